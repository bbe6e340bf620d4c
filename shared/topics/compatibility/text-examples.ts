// Texts that match a pattern or a format, made up. What cannot be made up is not found; nothing rests on it.

/** From 0 to 1, as Math.random. */
export type Random = () => number;

export function pick<Item>(items: readonly Item[], random: Random): Item | undefined {
  return items[Math.floor(random() * items.length)];
}

const formatExamples: Readonly<Record<string, readonly string[]>> = {
  'date-time': ['2026-01-31T23:59:59Z'],
  date: ['2026-01-31'],
  time: ['23:59:59Z'],
  email: ['a@example.com'],
  'idn-email': ['a@example.com'],
  hostname: ['example.com'],
  'idn-hostname': ['example.com'],
  ipv4: ['192.0.2.1'],
  ipv6: ['2001:db8::1'],
  uri: ['https://example.com/a'],
  'uri-reference': ['/a'],
  'uri-template': ['/a/{b}'],
  iri: ['https://example.com/a'],
  'iri-reference': ['/a'],
  uuid: ['123e4567-e89b-12d3-a456-426614174000'],
  regex: ['a+'],
  'json-pointer': ['/a'],
  'relative-json-pointer': ['1/a'],
  duration: ['P1D'],
  byte: ['YQ=='],
};

export function formatExample(format: string, random: Random): string | undefined {
  return Object.hasOwn(formatExamples, format) ? pick(formatExamples[format] ?? [], random) : undefined;
}

/** A text that should match a pattern; undefined for what is not understood here, such as look-around. */
export function patternExample(pattern: string, random: Random): string | undefined {
  try {
    const reader = new PatternReader(pattern);
    const make = reader.alternatives();
    return reader.isAtEnd ? make(random) : undefined;
  } catch (error) {
    if (error instanceof NotUnderstood) return undefined;
    throw error;
  }
}

type Maker = (random: Random) => string;
class NotUnderstood extends Error {}

const letters = 'abcdefghijklmnopqrstuvwxyz';
const digits = '0123456789';
const words = `${letters}${letters.toUpperCase()}${digits}_`;
const printable = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join('');
const others = (members: string) =>
  Array.from(printable)
    .filter((one) => !members.includes(one))
    .join('');
const classes: Readonly<Record<string, string>> = {
  ...{ d: digits, D: others(digits), w: words, W: others(words), s: ' \t', S: others(' ') },
  ...{ n: '\n', r: '\r', t: '\t', f: '\f', v: '\v' },
};
/** Repetitions beyond the least. */
const maxExtra = 3;
const maxRepetitions = 2_000;

class PatternReader {
  readonly #characters: readonly string[];
  #at = 0;

  constructor(pattern: string) {
    this.#characters = Array.from(pattern);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#characters.length;
  }

  alternatives(): Maker {
    const makers = [this.#sequence()];
    while (this.#skip('|')) makers.push(this.#sequence());
    return (random) => pick(makers, random)?.(random) ?? '';
  }

  #sequence(): Maker {
    const makers: Maker[] = [];
    while (!this.isAtEnd && this.#next !== '|' && this.#next !== ')') makers.push(this.#repeated());
    return (random) => makers.map((make) => make(random)).join('');
  }

  #repeated(): Maker {
    const make = this.#atom();
    const counts = this.#counts();
    if (!counts) return make;
    const [min, max] = counts;
    this.#skip('?');
    if (min > maxRepetitions) throw new NotUnderstood();
    const most = Math.min(max, min + maxExtra);
    return (random) => {
      const count = min + Math.floor(random() * (most - min + 1));
      return Array.from({ length: count }, () => make(random)).join('');
    };
  }

  /** The least and the most repetitions. */
  #counts(): readonly [number, number] | undefined {
    if (this.#skip('*')) return [0, maxExtra];
    if (this.#skip('+')) return [1, 1 + maxExtra];
    if (this.#skip('?')) return [0, 1];
    const counts = /^\{(\d+)(,?)(\d*)\}/.exec(this.#characters.slice(this.#at, this.#at + 12).join(''));
    if (!counts) return undefined;
    const [all, least, comma, most] = counts;
    this.#at += all.length;
    const min = Number(least);
    return [min, comma === '' ? min : most === '' ? min + maxExtra : Number(most)];
  }

  #atom(): Maker {
    const character = this.#take();
    if (character === '^' || character === '$') return () => '';
    if (character === '.') return oneOf(words);
    if (character === '(') return this.#group();
    if (character === '[') return oneOf(this.#class());
    if (character === '\\') return this.#next === 'b' ? (this.#take(), () => '') : oneOf(this.#escaped());
    if ('*+?{'.includes(character)) throw new NotUnderstood();
    return () => character;
  }

  #group(): Maker {
    if (this.#skip('?')) {
      if (this.#skip('<') || (this.#skip('P') && this.#skip('<'))) {
        if (this.#next === '=' || this.#next === '!') throw new NotUnderstood();
        while (!this.#skip('>')) this.#take();
      } else if (!this.#skip(':')) throw new NotUnderstood();
    }
    const make = this.alternatives();
    if (!this.#skip(')')) throw new NotUnderstood();
    return make;
  }

  #class(): string {
    const isNegated = this.#skip('^');
    let members = '';
    do {
      let first = this.#take();
      if (first === '\\') first = this.#escaped();
      if (this.#next === '-' && this.#characters[this.#at + 1] !== ']' && first.length === 1) {
        this.#take();
        let last = this.#take();
        if (last === '\\') last = this.#escaped();
        members += range(first, last);
      } else members += first;
    } while (!this.#skip(']'));
    return isNegated ? others(members) : members;
  }

  #escaped(): string {
    const character = this.#take();
    if (Object.hasOwn(classes, character)) return classes[character] ?? '';
    if (/[A-Za-z0-9]/.test(character)) throw new NotUnderstood();
    return character;
  }

  get #next(): string | undefined {
    return this.#characters[this.#at];
  }

  #take(): string {
    const character = this.#next;
    if (character === undefined) throw new NotUnderstood();
    this.#at++;
    return character;
  }

  #skip(character: string): boolean {
    if (this.#next !== character) return false;
    this.#at++;
    return true;
  }
}

function oneOf(members: string): Maker {
  const characters = Array.from(members);
  if (characters.length === 0) throw new NotUnderstood();
  return (random) => pick(characters, random) ?? '';
}

/** At most a hundred characters of a range. */
function range(first: string, last: string): string {
  const [from = 0, to = 0] = [first.codePointAt(0), last.codePointAt(0)];
  const length = Math.max(0, Math.min(100, to - from + 1));
  return Array.from({ length }, (_, index) => String.fromCodePoint(from + index)).join('');
}
