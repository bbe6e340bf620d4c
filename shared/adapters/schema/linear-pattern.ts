// Regular expressions of users' schemas run on RE2, whose time is linear in the text: a backtracking engine can be
// kept busy for hours by thirty characters (https://swtch.com/~rsc/regexp/regexp1.html).

import { RE2JS } from 're2js';

/** Longest pattern accepted, in characters. */
const maxPatternLength = 2_000;
/**
 * Largest automaton accepted, in instructions: a short pattern with counted repetitions has many, and the
 * constant of the linear time grows with them.
 */
export const widestProgramSize = 2_500;

/** What ajv uses of RegExp, and what using it costs. */
export interface LinearPattern {
  readonly source: string;
  /** Instructions of the automaton: the steps that each character of a text may take, of at most about 0.1 µs. */
  readonly stepsPerCharacter: number;
  test(text: string): boolean;
  /** Tells patterns apart: ajv shares the compiled ones by it. */
  toString(): string;
}

/** @throws Error when the pattern is none, too large, or uses what RE2 has not: look-around and back references */
export function linearPattern(source: string, maxProgramSize = widestProgramSize): LinearPattern {
  if (source.length > maxPatternLength) throw new Error('a pattern is too long');
  const compiled = RE2JS.compile(RE2JS.translateRegExp(source));
  const stepsPerCharacter = compiled.programSize();
  if (stepsPerCharacter > maxProgramSize) throw new Error('a pattern is too large');
  return { source, stepsPerCharacter, test: (text) => compiled.test(text), toString: () => `/${source}/u` };
}
