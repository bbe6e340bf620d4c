// Numbers on the command line.

/** @throws Error naming the option when the text is not a number above 0 */
export function positive(name: string, text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new Error(`${name} takes a number above 0.`);
  return number;
}

/** @throws Error naming the option when the text is not a whole number above 0 */
export function wholeNumber(name: string, text: string): number {
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new Error(`${name} takes a whole number above 0.`);
  return Number(text);
}
