// What must be true of every answer, whatever was asked: no failure of the broker, what the document says, a problem
// in its form, the right refusal of a caller without a good token, and nothing that is somebody else's.

import { disagreements, findOperation } from '../openapi/openapi-check';
import type { FuzzedRequest } from './fuzzed-request';
import type { Answer } from './http-client';
import type { Json } from './operations';

/** How a caller stands to the broker. */
export type Standing = 'participant' | 'no role' | 'no good token';

export interface Asked {
  readonly request: FuzzedRequest;
  readonly standing: Standing;
}

/** What a vendor's error or a stack trace looks like. */
const insides =
  /\bat (?:async )?[\w.$<>]+ \(|node_modules|\/dist\/|SQLITE_|SqliteError|NatsError|RestError|EREQUEST/;

/** Longer than any answer should take on a machine that does nothing else. Unit: ms. */
const slowMilliseconds = 15_000;

export class Oracle {
  constructor(
    private readonly document: Json,
    /** Texts that only their owner may ever see, by owner. */
    private readonly secrets: ReadonlyMap<string, readonly string[]>,
  ) {}

  /** Everything that is wrong with an answer. @param caller whose secrets it may contain */
  faults({ request, standing }: Asked, answer: Answer | undefined, caller: string): readonly string[] {
    if (!answer) return request.cutAt === undefined ? ['no answer came'] : [];
    return [
      ...(answer.status >= 500 ? [`the status is ${answer.status}`] : []),
      ...(answer.milliseconds > slowMilliseconds + askedToWait(request)
        ? [`it took ${answer.milliseconds.toFixed(0)} ms`]
        : []),
      ...this.#formFaults(request, standing, answer),
      ...this.leaks(answer, caller),
    ];
  }

  /** Secrets of others in an answer. */
  leaks(answer: Pick<Answer, 'text' | 'headers'>, caller: string): readonly string[] {
    const seen = `${answer.text}\n${[...answer.headers.values()].join('\n')}`;
    return [...this.secrets].flatMap(([owner, texts]) =>
      owner === caller
        ? []
        : texts.filter((text) => seen.includes(text)).map((text) => `it shows ${text}, which is ${owner}’s`),
    );
  }

  #formFaults(request: FuzzedRequest, standing: Standing, answer: Answer): readonly string[] {
    const { method, target } = request;
    const url = URL.parse(`http://broker${target}`);
    // What is no address the host refuses by itself.
    if (!url)
      return answer.status === 400 || answer.status === 404 ? [] : [`${answer.status} for no address`];
    const operation = findOperation(this.document, method, url.pathname);
    // So is a path without a function.
    if (operation && answer.status === 404 && answer.text === '') return hostMatches(url.pathname);
    return [
      ...disagreements(this.document, method, `${url.pathname}${url.search}`, sentJson(request), answer),
      ...(operation ? refusalFaults(operation, standing, answer) : []),
      ...problemFaults(answer, 'idempotency-key' in request.headers),
    ];
  }
}

/** The host looks at segments before they are decoded, and refuses empty ones. */
function hostMatches(pathname: string): readonly string[] {
  return pathname.includes('//') ? [] : ['the host knows no function for a path of the document'];
}

/** How long a receive may wait for messages. Unit: ms. */
function askedToWait({ json }: FuzzedRequest): number {
  const seconds = Number((json as Json | null | undefined)?.['waitSeconds']);
  return seconds > 0 ? seconds * 1_000 : 0;
}

function sentJson({ json, body }: FuzzedRequest): { body?: unknown } {
  if (json !== undefined) return { body: JSON.parse(JSON.stringify(json)) as unknown };
  try {
    return body === undefined || body.byteLength === 0
      ? {}
      : { body: JSON.parse(body.toString('utf8')) as unknown };
  } catch {
    return {};
  }
}

function refusalFaults(operation: Json, standing: Standing, { status }: Answer): readonly string[] {
  const isGuarded = (operation['security'] as readonly unknown[]).length > 0;
  if (!isGuarded || standing === 'participant') return [];
  const wanted = standing === 'no role' ? 403 : 401;
  return status === wanted ? [] : [`a caller with ${standing} got ${status} instead of ${wanted}`];
}

function problemFaults({ status, text, headers }: Answer, isRepeatable: boolean): readonly string[] {
  const faults: string[] = [];
  if (status >= 400) {
    if (insides.test(text)) faults.push('it shows the insides of the broker');
    if (status === 401 && text.includes('"returnCode":"10"')) faults.push('a 401 with returnCode 10');
    if (headers.get('content-type')?.startsWith('application/problem+json')) {
      const problem = JSON.parse(text) as { status?: number; instance?: string };
      if (problem.status !== status) faults.push('the problem has another status than the answer');
      const requestId = headers.get('x-request-id') ?? '';
      // What an Idempotency-Key repeats names the request that was carried out.
      if (!isRepeatable && problem.instance !== `urn:ddhub:request:${requestId}`) {
        faults.push('instance is not the request id');
      }
    }
  }
  if (headers.has('x-injected')) faults.push('a header was injected');
  return faults;
}
