// Routes as the real host matches them (design §11): functions in the order of their names, first match wins,
// literals do not beat parameters. Pure. What can never be reached, or would be reached by accident, is refused.

import { HostError } from './host-error';

export interface RouteDefinition {
  /** The function's name; it decides the order. */
  readonly name: string;
  /** Route template without the prefix; absent: the name, as on the real host. */
  readonly route?: string | undefined;
  readonly methods: readonly string[];
}

export interface RouteMatch<T> {
  readonly target: T;
  /** Parameters as they stood in the path, not decoded, as the real host hands them over. */
  readonly params: Readonly<Record<string, string>>;
}

export type RouteTable<T> = (method: string, path: string) => RouteMatch<T> | undefined;

/** A literal in lower case, or a parameter. */
type Segment = { readonly literal: string } | { readonly parameter: string };

interface Entry<T> {
  readonly name: string;
  readonly template: string;
  readonly methods: readonly string[];
  readonly segments: readonly Segment[];
  readonly target: T;
}

/** .NET's OrdinalIgnoreCase compares upper-case letters: `_` stands after every letter. */
export function compareNames(a: string, b: string): number {
  const [left, right] = [a.toUpperCase(), b.toUpperCase()];
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * Builds the table. The prefix comes from host.json (`extensions.http.routePrefix`).
 * @throws HostError when a route is reserved or not understood, or can never be reached because an earlier
 *   function matches all that it matches
 */
export function createRouteTable<T extends RouteDefinition>(
  definitions: readonly T[],
  routePrefix: string,
): RouteTable<T> {
  const prefix = routePrefix.replaceAll(/^\/+|\/+$/g, '');
  const entries = definitions
    .map((definition): Entry<T> => {
      const route = (definition.route ?? definition.name).replaceAll(/^\/+|\/+$/g, '');
      const template = [prefix, route].filter((part) => part !== '').join('/');
      return {
        name: definition.name,
        template,
        methods: definition.methods.map((method) => method.toUpperCase()),
        segments: parseTemplate(definition.name, template),
        target: definition,
      };
    })
    .sort((a, b) => compareNames(a.name, b.name));
  refuseUnreachable(entries);

  const byShape = new Map<string, Entry<T>[]>();
  for (const entry of entries) {
    for (const method of entry.methods) {
      const shape = `${method} ${entry.segments.length}`;
      byShape.set(shape, [...(byShape.get(shape) ?? []), entry]);
    }
  }
  return (method, path) => {
    const parts = splitPath(path);
    for (const entry of byShape.get(`${method} ${parts.length}`) ?? []) {
      const params = matchSegments(entry.segments, parts);
      if (params) return { target: entry.target, params };
    }
    return undefined;
  };
}

function parseTemplate(name: string, template: string): readonly Segment[] {
  const segments = template === '' ? [] : template.split('/');
  const first = segments[0]?.toLowerCase();
  if (first === 'admin' || first === 'runtime') {
    throw new HostError(
      `The route "${template}" of function ${name} starts with "${first}", which the host keeps for itself.`,
    );
  }
  return segments.map((segment) => {
    const parameter = /^\{(\w+)\}$/.exec(segment)?.[1];
    if (parameter !== undefined) return { parameter };
    if (segment === '' || /[{}]/.test(segment)) {
      throw new HostError(
        `The route "${template}" of function ${name} has the segment "${segment}"; the local host knows literals and {parameters}.`,
      );
    }
    return { literal: segment.toLowerCase() };
  });
}

function refuseUnreachable<T>(entries: readonly Entry<T>[]): void {
  for (const [index, later] of entries.entries()) {
    for (const earlier of entries.slice(0, index)) {
      const method = later.methods.find((candidate) => earlier.methods.includes(candidate));
      if (method !== undefined && covers(earlier.segments, later.segments)) {
        throw new HostError(
          `Function ${later.name} can never be reached: ${earlier.name} (${method} /${earlier.template}) sorts before it by name and matches everything that ${method} /${later.template} matches. Rename one of the two.`,
        );
      }
    }
  }
}

/** Whether every path that the second pattern matches is matched by the first. */
function covers(first: readonly Segment[], second: readonly Segment[]): boolean {
  return (
    first.length === second.length &&
    first.every((segment, index) => {
      if ('parameter' in segment) return true;
      const other = second[index];
      return other !== undefined && 'literal' in other && other.literal === segment.literal;
    })
  );
}

/** One trailing slash is ignored; other empty segments stay, and match nothing. */
function splitPath(path: string): readonly string[] {
  const trimmed = path.slice(1, path.endsWith('/') ? -1 : undefined);
  return trimmed === '' ? [] : trimmed.split('/');
}

function matchSegments(
  segments: readonly Segment[],
  parts: readonly string[],
): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const part = parts[index] ?? '';
    if (part === '') return undefined;
    if ('parameter' in segment) params[segment.parameter] = part;
    else if (decodeLiteral(part) !== segment.literal) return undefined;
  }
  return params;
}

/** The host matches the decoded path; what cannot be decoded equals no literal. */
function decodeLiteral(part: string): string | undefined {
  if (!part.includes('%')) return part.toLowerCase();
  try {
    return decodeURIComponent(part).toLowerCase();
  } catch {
    return undefined;
  }
}
