// Multiples, exactly: 0.0075 is a multiple of 0.0001, which no division of doubles tells. A number is the decimal
// that JavaScript prints for it, which is the one that was written wherever a double can hold it.

interface Decimal {
  readonly digits: bigint;
  /** Power of ten by which the digits are multiplied. */
  readonly exponent: number;
}

function toDecimal(value: number): Decimal {
  const [, sign = '', whole = '0', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value)) ?? [];
  return { digits: BigInt(`${sign}${whole}${fraction}`), exponent: Number(exponent) - fraction.length };
}

/**
 * Whether a number is a whole multiple of a positive one. A number too large for a double is taken for one, as it
 * is taken for a whole number.
 */
export function isMultipleOf(value: number, divisor: number): boolean {
  if (Number.isSafeInteger(value) && Number.isSafeInteger(divisor)) return value % divisor === 0;
  if (!Number.isFinite(value)) return true;
  const [left, right] = [toDecimal(value), toDecimal(divisor)];
  const exponent = Math.min(left.exponent, right.exponent);
  const scaled = ({ digits, exponent: own }: Decimal) => digits * 10n ** BigInt(own - exponent);
  return scaled(left) % scaled(right) === 0n;
}
