// What a cell of each type of a Table Schema looks like (Frictionless Table Schema, "Types and Formats"), in its
// default format. Other formats and other notations are refused when the schema is read.

/** Tells whether a cell's text is of the type; `compare` orders two such texts, where the type has an order. */
export interface ColumnType {
  readonly words: string;
  readonly matches: (text: string) => boolean;
  readonly compare?: (left: string, right: string) => number;
  /** One text for all notations of a value; absent: every text is a value of its own. */
  readonly canonical?: (text: string) => string;
}

// Two repetitions of digits never stand side by side: then matching would take the square of a cell's length.
const number = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?|NaN|-?INF)$/;
const integer = /^[+-]?\d{1,1000}$/;
const time = /^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-]\d{2}:?\d{2})?$/;
const duration =
  /^-?P(?!$)(?:\d+Y)?(?:\d+M)?(?:\d+W)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?$/;
const geoPoint = /^\s*(-?\d{1,3}(?:\.\d{1,20})?)\s*,\s*(-?\d{1,3}(?:\.\d{1,20})?)\s*$/;
const booleans = new Set(['true', 'True', 'TRUE', '1', 'false', 'False', 'FALSE', '0']);

const byText = (left: string, right: string) => (left < right ? -1 : left > right ? 1 : 0);

function toNumber(text: string): number {
  return text.endsWith('INF') ? (text.startsWith('-') ? -Infinity : Infinity) : Number(text);
}

function compareIntegers(left: string, right: string): number {
  const [a, b] = [BigInt(left.replace(/^\+/, '')), BigInt(right.replace(/^\+/, ''))];
  return a < b ? -1 : a > b ? 1 : 0;
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

function isJson(text: string, accepts: (value: unknown) => boolean): boolean {
  try {
    return accepts(JSON.parse(text));
  } catch {
    return false;
  }
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);

export const columnTypes: Readonly<Record<string, ColumnType>> = {
  any: { words: 'anything', matches: () => true },
  string: { words: 'a text', matches: () => true },
  number: {
    words: 'a number',
    matches: (text) => number.test(text),
    compare: (left, right) => toNumber(left) - toNumber(right),
    canonical: (text) => String(toNumber(text)),
  },
  integer: {
    words: 'a whole number',
    matches: (text) => integer.test(text),
    compare: compareIntegers,
    canonical: (text) => String(BigInt(text.replace(/^\+/, ''))),
  },
  boolean: { words: 'true or false', matches: (text) => booleans.has(text) },
  date: { words: 'a date such as 2026-01-31', matches: isDate, compare: byText },
  time: { words: 'a time such as 23:59:59', matches: (text) => time.test(text), compare: byText },
  datetime: {
    words: 'a date and time such as 2026-01-31T23:59:59Z',
    matches: (text) => text.charAt(10) === 'T' && isDate(text.slice(0, 10)) && time.test(text.slice(11)),
    compare: byText,
  },
  year: {
    words: 'a year',
    matches: (text) => /^-?\d{4,6}$/.test(text),
    compare: (left, right) => Number(left) - Number(right),
  },
  yearmonth: {
    words: 'a month such as 2026-01',
    matches: (text) => /^\d{4}-(0[1-9]|1[0-2])$/.test(text),
    compare: byText,
  },
  duration: { words: 'a duration such as P1DT12H', matches: (text) => duration.test(text) },
  object: { words: 'a JSON object', matches: (text) => isJson(text, isObject) },
  array: { words: 'a JSON list', matches: (text) => isJson(text, Array.isArray) },
  geojson: { words: 'a JSON object', matches: (text) => isJson(text, isObject) },
  geopoint: {
    words: 'a longitude and a latitude',
    matches: (text) => {
      const [, longitude, latitude] = geoPoint.exec(text) ?? [];
      return Math.abs(Number(longitude)) <= 180 && Math.abs(Number(latitude)) <= 90;
    },
  },
};

/** Formats of the type string besides `default`. */
export const stringFormats: Readonly<Record<string, ColumnType>> = {
  email: { words: 'an e-mail address', matches: (text) => /^[^\s@]{1,64}@[^\s@]{1,255}$/.test(text) },
  uri: {
    words: 'a URI',
    matches: (text) => /^[A-Za-z][A-Za-z0-9+.-]*:\S*$/.test(text) && URL.canParse(text),
  },
  uuid: {
    words: 'a UUID',
    matches: (text) => /^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/.test(text),
  },
  binary: {
    words: 'Base64',
    matches: (text) => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text),
  },
};
