// Large bodies at the wrapper around every route: of one participant they are worked on one after the other, and
// nobody waits for a body that is not its own.

import { describe, expect, it } from '@jest/globals';
import { HttpRequest, type HttpResponseInit, InvocationContext } from '@azure/functions';
import { Type } from '@sinclair/typebox';
import { Admission } from '../../shared/http/admission';
import { BodyTurns } from '../../shared/http/body-turns';
import { createHandler } from '../../shared/http/handler';
import { type Call, type Reply, type Route, route } from '../../shared/http/route';
import { eventually } from '../support/eventually';

const large = JSON.stringify({ text: 'a'.repeat(300_000) });
const small = JSON.stringify({ text: 'a' });

/** A body that is begun, and ends when it is told to. */
function dripping() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  void writer.write(Buffer.from('{"text":"'));
  return { body: readable, end: () => writer.close() };
}

/** One route, whose calls are ended by name: the first letters of their `x-name`. */
function scene(
  target: Partial<Route> = {},
  maxWaitMs?: number,
  admission = new Admission({ maxRunning: 100, maxWaitMs: 10_000 }),
) {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const work = async ({ request }: Call): Promise<Reply> => {
    const name = request.headers.get('x-name') ?? '';
    begun.push(name);
    await new Promise<void>((end) => ends.set(name, end));
    return { json: {} };
  };
  const handler = createHandler(
    route({
      method: 'POST',
      path: 'things',
      operationId: 'makeThing',
      summary: 'Make a thing',
      tag: 'Things',
      access: 'participant',
      body: Type.Object({ text: Type.String() }),
      responses: { 200: { description: 'Made.' } },
      handle: work,
      ...target,
    }),
    {
      authenticate: (did) => Promise.resolve({ did: did ?? '', roles: [] }),
      idempotentCalls: { once: () => Promise.reject(new Error('no call has a key here')) },
      admission,
      bodyTurns: new BodyTurns(maxWaitMs),
      log: () => undefined,
      clock: () => 0,
    },
  );
  const send = async (
    name: string,
    did: string,
    body: string | ReadableStream<Uint8Array>,
    declared?: number,
  ) => {
    const request = new HttpRequest({
      method: 'POST',
      url: 'http://broker/things',
      headers: {
        'x-name': name,
        authorization: did,
        ...(typeof body === 'string'
          ? { 'content-length': String(declared ?? body.length) }
          : { 'transfer-encoding': 'chunked' }),
      },
      ...(typeof body === 'string' ? { body: { string: body } } : {}),
    });
    if (typeof body !== 'string') Object.defineProperty(request, 'body', { value: body });
    const context = new InvocationContext({ functionName: 'things-post', invocationId: name });
    const answer = (await handler(request, context)) as HttpResponseInit;
    return answer.status;
  };
  const begins = async (name: string): Promise<void> => {
    await eventually(() => Promise.resolve(begun.includes(name)));
  };
  return { begun, send, begins, end: (name: string) => ends.get(name)?.() };
}

describe('large bodies', () => {
  it('regression: of one participant are worked on one after the other, and not only read so', async () => {
    const { begun, send, begins, end } = scene();
    const first = send('first', 'one', large);
    await begins('first');
    const second = send('second', 'one', large);
    const others = [send('small', 'one', small), send('other', 'two', large)];
    await Promise.all([begins('small'), begins('other')]);
    expect(begun).not.toContain('second');
    end('first');
    expect(await first).toBe(200);
    await begins('second');
    for (const name of ['second', 'small', 'other']) end(name);
    expect(await Promise.all([second, ...others])).toEqual([200, 200, 200]);
  });

  it('that fail, or are given up, let the next one begin', async () => {
    const { send, begins, end } = scene();
    expect(await send('bad', 'one', `${large}!`)).toBe(400);
    const next = send('next', 'one', large);
    await begins('next');
    end('next');
    expect(await next).toBe(200);
  });

  it('regression: that wait too long for each other are told when to come again', async () => {
    const { send, begins, end } = scene({}, 5);
    const first = send('first', 'one', large);
    await begins('first');
    expect(await send('second', 'one', large)).toBe(503);
    end('first');
    expect(await first).toBe(200);
  });

  it('regression: beyond what the route takes are refused before they wait', async () => {
    const { send, begins, end } = scene();
    const first = send('first', 'one', large);
    await begins('first');
    expect(await send('too large', 'one', large, 2_000_000)).toBe(413);
    end('first');
    await first;
  });

  it('regression: of strangers do not wait for each other, so that none of them stops the logins of all', async () => {
    const { send, begins, end } = scene({ access: 'public' });
    const drip = dripping();
    const stuck = send('stuck', '', drip.body);
    const next = send('next', '', new Blob([small]).stream());
    await begins('next');
    end('next');
    expect(await next).toBe(200);
    await drip.end();
    expect(await stuck).toBe(400);
  });
});

describe('what streams in', () => {
  it('regression: takes no place while it comes, and is worked on like everything else when it has come', async () => {
    const admission = new Admission({ maxRunning: 1, maxWaitMs: 10_000 });
    const drip = dripping();
    const { begun, send, begins } = scene(
      {
        streamedBody: { contentType: 'text/plain', schema: Type.String() },
        handle: async ({ request, standAside }) => {
          begun.push('begun');
          if (request.body) await standAside(() => new Response(request.body as never).text());
          begun.push('come');
          return { json: {} };
        },
      },
      undefined,
      admission,
    );
    const upload = send('upload', 'one', drip.body);
    await begins('begun');
    const other = Promise.withResolvers<undefined>();
    const running = admission.run(undefined, 0, () => other.promise);
    await drip.end();
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(begun).toEqual(['begun']);
    other.resolve(undefined);
    await running;
    expect(await upload).toBe(200);
    expect(begun).toEqual(['begun', 'come']);
  });
});
