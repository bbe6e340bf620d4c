// JSON values as JSON.parse makes them: their types, equality and printing as JSON Schema understands them.

import { createHash } from 'node:crypto';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type JsonObject = Readonly<Record<string, Json>>;

/** The types of JSON. A whole number is a `number`: 1.0 and 1 are one value. */
export const jsonTypes = ['null', 'boolean', 'number', 'string', 'array', 'object'] as const;
export type JsonType = (typeof jsonTypes)[number];

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isList(value: unknown): value is readonly Json[] {
  return Array.isArray(value);
}

export function typeOf(value: Json): JsonType {
  if (value === null) return 'null';
  if (isList(value)) return 'array';
  return typeof value as Exclude<JsonType, 'null' | 'array'>;
}

/** An own member; nothing of an object's prototype. */
export function member(value: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

/** One text for all notations of a value: names sorted, numbers as JavaScript prints them, `-0` as `0`. */
export function canonical(value: Json): string {
  if (typeof value === 'number') return String(value + 0);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (isList(value)) return `[${value.map(canonical).join(',')}]`;
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name] ?? null)}`).join(',')}}`;
}

/** Equality of JSON Schema: by value; the order of an object's members does not count. */
export function jsonEqual(left: Json, right: Json): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (isList(left)) {
    if (!isList(right) || left.length !== right.length) return false;
    return left.every((element, index) => jsonEqual(element, right[index] ?? null));
  }
  if (isList(right)) return false;
  const names = Object.keys(left);
  if (names.length !== Object.keys(right).length) return false;
  return names.every(
    (name) => Object.hasOwn(right, name) && jsonEqual(left[name] ?? null, right[name] ?? null),
  );
}

/** Whether no two elements are equal; linear in their size, where comparing each with each would be quadratic. */
export function areDistinct(elements: readonly Json[]): boolean {
  const seen = new Set<string>();
  for (const element of elements) {
    const text = canonical(element);
    const key = text.length <= 64 ? text : createHash('sha256').update(text).digest('base64');
    if (seen.has(key)) return false;
    seen.add(key);
  }
  return true;
}

/** Characters (code points), as `minLength` counts them. */
export function lengthOf(text: string): number {
  let length = 0;
  for (const character of text) length += character === '' ? 0 : 1;
  return length;
}

/** Whether a value has more parts and characters together than a limit; it looks at no more of them. */
export function isLargerThan(value: Json, limit: number): boolean {
  const open: Json[] = [value];
  let size = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    size += 1 + (typeof next === 'string' ? next.length : 0);
    if (size > limit) return true;
    if (isList(next)) for (const element of next) open.push(element);
    else if (isObject(next)) {
      for (const [name, inner] of Object.entries(next)) {
        size += name.length;
        open.push(inner);
      }
    }
  }
  return false;
}
