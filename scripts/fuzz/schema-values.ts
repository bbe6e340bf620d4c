// Values that fit a JSON Schema, as far as the broker's own schemas go: what a well-behaved caller would send.

import fc from 'fast-check';
import { hostileTexts, longText } from './hostile-values';
import type { Json } from './operations';
import type { Random } from './random';

/** What a caller would put into a member of this name; undefined: anything that fits. */
export type Suggest = (member: string, random: Random) => unknown;

const words = [
  'a',
  'reader',
  'my-reader',
  'tag.a',
  'tag-b',
  'report',
  'x'.repeat(40),
  '1.0.0',
  '2.1.0-rc.1+b',
];
const instants = ['2020-01-01T00:00:00Z', '2026-01-31T12:00:00+02:00', '2031-12-31T23:59:59.999Z'];

/** A value for `schema`. @param member name of the member that it is for */
export function valueFor(schema: Json, member: string, suggest: Suggest, random: Random): unknown {
  if ('const' in schema) return schema['const'];
  if (Array.isArray(schema['enum'])) return random.pick(schema['enum'] as unknown[]);
  for (const keyword of ['anyOf', 'oneOf', 'allOf']) {
    const choices = schema[keyword];
    if (Array.isArray(choices)) return valueFor(random.pick(choices as Json[]), member, suggest, random);
  }
  switch (schema['type']) {
    case 'object':
      return objectFor(schema, suggest, random);
    case 'array': {
      const items = (schema['items'] ?? {}) as Json;
      const most = Math.min(Number(schema['maxItems'] ?? 4), random.pick([0, 1, 1, 2, 4]));
      const length = Math.max(Number(schema['minItems'] ?? 0), most);
      return Array.from({ length }, () => valueFor(items, member, suggest, random));
    }
    case 'integer':
    case 'number':
      return suggest(member, random) ?? numberFor(schema, random);
    case 'boolean':
      return random.chance(0.5);
    case 'string':
      return suggest(member, random) ?? textFor(schema, random);
    default:
      return suggest(member, random) ?? random.pick([...words, 1, true, null]);
  }
}

function objectFor(schema: Json, suggest: Suggest, random: Random): Json {
  const properties = (schema['properties'] ?? {}) as Record<string, Json>;
  const required = new Set((schema['required'] ?? []) as string[]);
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([name]) => required.has(name) || random.chance(0.4))
      .map(([name, member]) => [name, valueFor(member, name, suggest, random)]),
  );
}

function numberFor(schema: Json, random: Random): number {
  const least = Number(schema['minimum'] ?? 0);
  const most = Math.min(Number(schema['maximum'] ?? least + 100), Number.MAX_SAFE_INTEGER);
  return random.chance(0.15)
    ? random.pick([least, most])
    : least + random.below(Math.min(most - least, 50) + 1);
}

function textFor(schema: Json, random: Random): string {
  const pattern = schema['pattern'] as string | undefined;
  if (pattern !== undefined) return random.pick(samplesOf(pattern));
  if (schema['format'] === 'date-time') return random.pick(instants);
  const least = Number(schema['minLength'] ?? 0);
  const most = Number(schema['maxLength'] ?? 1_000_000);
  const text = random.chance(0.06)
    ? longText(random)
    : random.pick(random.chance(0.2) ? hostileTexts : [...words, ...instants]);
  return text.padEnd(least, 'p').slice(0, most);
}

const samples = new Map<string, readonly string[]>();

/** The same ones in every run. */
function samplesOf(pattern: string): readonly string[] {
  let known = samples.get(pattern);
  if (!known) {
    known = fc.sample(fc.stringMatching(new RegExp(pattern)), { seed: 1, numRuns: 40 });
    samples.set(pattern, known);
  }
  return known;
}
