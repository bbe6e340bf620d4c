// The functions of Bicep that our templates call, as far as their values are known without Azure.

import { hash } from 'node:crypto';
import { type Callable, Reference, textOf, type Value } from './value';

const list = (value: Value | undefined) => (value ?? []) as readonly Value[];
const object = (value: Value | undefined) => (value ?? {}) as Readonly<Record<string, Value>>;
const text = (value: Value | undefined) => textOf(value ?? '');
const call = (value: Value | undefined) => value as Callable;

const functions: Readonly<Record<string, (...given: readonly Value[]) => Value>> = {
  array: (value) => [value ?? null],
  base64: (value) => Buffer.from(text(value)).toString('base64'),
  cidrHost: (prefix, index) => addressOf(firstAddress(text(prefix)) + Number(index) + 1),
  cidrSubnet: (prefix, bits, index) =>
    `${addressOf(firstAddress(text(prefix)) + Number(index) * 2 ** (32 - Number(bits)))}/${text(bits)}`,
  contains: (whole, part) =>
    Array.isArray(whole) ? list(whole).includes(part ?? null) : text(whole).includes(text(part)),
  empty: (value) =>
    !(value instanceof Reference) && (value === '' || Object.keys(object(value)).length === 0),
  environment: () => ({
    suffixes: {
      storage: 'core.example',
      sqlServerHostname: '.database.example',
      keyvaultDns: '.vault.example',
    },
  }),
  filter: (values, test) => list(values).filter((value) => call(test)(value) === true),
  guid: (...parts) => hash('sha256', JSON.stringify(parts.map(textOf))).slice(0, 36),
  int: (value) => Number(value),
  items: (value) =>
    Object.entries(object(value))
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, part]) => ({ key, value: part })),
  join: (values, separator) => list(values).map(textOf).join(text(separator)),
  json: (value) => JSON.parse(text(value)) as Value,
  last: (values) => list(values).at(-1) ?? null,
  length: (value) => (typeof value === 'string' ? value.length : list(value).length),
  map: (values, change) => list(values).map((value) => call(change)(value)),
  objectKeys: (value) => Object.keys(object(value)),
  range: (from, count) => Array.from({ length: Number(count) }, (_, index) => Number(from) + index),
  reduce: (values, first, join) => list(values).reduce((sum, value) => call(join)(sum, value), first ?? null),
  replace: (whole, old, fresh) => text(whole).replaceAll(text(old), text(fresh)),
  skip: (values, count) => list(values).slice(Number(count)),
  split: (whole, separator) => text(whole).split(text(separator)),
  startsWith: (whole, start) => text(whole).startsWith(text(start)),
  string: (value) => text(value),
  subscription: () => ({ id: '<subscription>', subscriptionId: '<subscription.id>' }),
  subscriptionResourceId: (type, name) => `<subscription>/${text(type)}/${text(name)}`,
  substring: (whole, from, count) => text(whole).slice(Number(from), Number(from) + Number(count)),
  take: (whole, count) =>
    typeof whole === 'string' ? whole.slice(0, Number(count)) : list(whole).slice(0, Number(count)),
  tenant: () => ({ tenantId: '<tenant>' }),
  toLower: (value) => text(value).toLowerCase(),
  union: (...parts) =>
    Array.isArray(parts[0])
      ? [...new Set(parts.flatMap(list))]
      : (Object.assign({}, ...parts.map(object)) as Readonly<Record<string, Value>>),
};

export function callFunction(name: string, given: readonly Value[]): Value {
  const known = functions[name];
  if (!known) throw new Error(`${name}() cannot be worked out here: add it to policy/functions.ts`);
  return known(...given);
}

function firstAddress(prefix: string): number {
  const [address = ''] = prefix.split('/');
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function addressOf(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}
