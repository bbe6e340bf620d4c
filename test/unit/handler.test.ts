// Around every route stands one wrapper: it identifies first, always answers, and reveals nothing of what it does
// not know.

import { describe, expect, it } from '@jest/globals';
import { HttpRequest, InvocationContext, type HttpResponseInit } from '@azure/functions';
import { Type } from '@sinclair/typebox';
import { BrokerError } from '../../shared/broker-error';
import { Admission } from '../../shared/http/admission';
import { createHandler, type HandlerDependencies } from '../../shared/http/handler';
import { route, type Route } from '../../shared/http/route';
import type { LogFields } from '../../shared/log';

const now = Date.UTC(2026, 0, 2, 3, 4, 5);

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

interface Logged {
  readonly level: string;
  readonly event: string;
  readonly fields: LogFields;
}

async function call(
  target: Partial<Route>,
  request: { headers?: Record<string, string>; body?: string; url?: string } = {},
  dependencies: Partial<HandlerDependencies> = {},
): Promise<Answer & { logged: Logged[] }> {
  const logged: Logged[] = [];
  const handler = createHandler(
    {
      method: 'POST',
      path: 'things',
      operationId: 'makeThing',
      summary: 'Make a thing',
      tag: 'Things',
      access: 'participant',
      responses: { 200: { description: 'Made.' } },
      handle: () => Promise.resolve({ json: {} }),
      ...target,
    },
    {
      authenticate: () => Promise.resolve({ did: 'did:ethr:0x1', roles: [] }),
      idempotentCalls: { once: () => Promise.reject(new Error('no call has a key here')) },
      admission: new Admission({ maxRunning: 100, maxWaitMs: 10_000 }),
      log: (level, event, fields = {}) => logged.push({ level, event, fields }),
      clock: () => now,
      ...dependencies,
    },
  );
  const sent = new HttpRequest({
    method: target.method ?? 'POST',
    url: request.url ?? 'http://broker/things',
    headers: request.headers ?? {},
    ...(request.body === undefined ? {} : { body: { string: request.body } }),
  });
  const context = new InvocationContext({ functionName: 'things-post', invocationId: 'one' });
  const answer = (await handler(sent, context)) as HttpResponseInit;
  const text = answer.body === undefined ? '' : Buffer.from(answer.body as Uint8Array).toString();
  return {
    status: answer.status ?? 200,
    headers: answer.headers as Record<string, string>,
    text,
    json: (text.startsWith('{') ? JSON.parse(text) : {}) as Record<string, unknown>,
    logged,
  };
}

/** Rejects with anything, as code that is not ours may. */
const rejectWith = (reason: unknown): Promise<never> =>
  new Promise((_resolve, reject) => {
    const rejectWithAnything: (reason: unknown) => void = reject;
    rejectWithAnything(reason);
  });

const unauthenticated = () => Promise.reject(new BrokerError('unauthenticated', 'Log in first.'));

describe('createHandler', () => {
  it.each<[string, unknown]>([
    ['an error', new Error('password=hunter2 at /srv/broker/db.ts')],
    ['a text', 'password=hunter2'],
    ['nothing', undefined],
    ['null', null],
    ['an object', { code: 'forbidden', secret: 'hunter2' }],
  ])('answers 500 without a trace of it when a route throws %s', async (_what, thrown) => {
    const answer = await call({ handle: () => rejectWith(thrown) });
    expect(answer.status).toBe(500);
    expect(answer.json).toMatchObject({ code: 'internal', status: 500 });
    expect(answer.text).not.toMatch(/hunter2|srv|db\.ts|stack/);
    expect(answer.logged).toMatchObject([{ level: 'error', fields: { operation: 'makeThing' } }]);
  });

  it('answers 503 with Retry-After, and does nothing, when the turn of a request does not come in time', async () => {
    const admission = new Admission({ maxRunning: 1, maxWaitMs: 10 });
    void admission.run(undefined, 0, () => new Promise(() => undefined));
    const done: string[] = [];
    const handle = () => Promise.resolve({ json: done.push('done') });
    const answer = await call({ handle }, {}, { admission });
    expect(answer).toMatchObject({
      status: 503,
      json: { code: 'overloaded' },
      headers: { 'retry-after': '1' },
    });
    expect(done).toEqual([]);
    expect((await call({ handle, standing: 'exempt' }, {}, { admission })).status).toBe(200);
  });

  it('answers when a route throws before it returns a promise', async () => {
    const answer = await call({
      handle: () => {
        throw new Error('at once');
      },
    });
    expect(answer.status).toBe(500);
  });

  it('answers when the reply cannot be printed', async () => {
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    expect((await call({ handle: () => Promise.resolve({ json: circular }) })).status).toBe(500);
    expect((await call({ handle: () => Promise.resolve({ json: 1n }) })).status).toBe(500);
  });

  it('identifies before it reads, so that a stranger learns nothing about the input', async () => {
    const answer = await call(
      { body: Type.Object({ name: Type.String() }) },
      { body: 'not json' },
      { authenticate: unauthenticated },
    );
    expect(answer.status).toBe(401);
  });

  it('answers 401 without the returnCode that stops a gateway for ever', async () => {
    const answer = await call({}, {}, { authenticate: unauthenticated });
    expect(answer.status).toBe(401);
    expect(answer.text).not.toContain('"returnCode":"10"');
    expect(answer.headers['www-authenticate']).toBe('Bearer');
  });

  it('hands the Authorization header on as it is', async () => {
    const seen: (string | null)[] = [];
    const authenticate = (header: string | null) => {
      seen.push(header);
      return unauthenticated();
    };
    await call({}, { headers: { authorization: 'Bearer null' } }, { authenticate });
    await call({}, {}, { authenticate });
    expect(seen).toEqual(['Bearer null', null]);
  });

  it('does not ask for a token on a public route', async () => {
    expect((await call({ access: 'public' }, {}, { authenticate: unauthenticated })).status).toBe(200);
  });

  it('answers a role that is missing with 403 and returnCode 10', async () => {
    const authenticate = () => Promise.reject(new BrokerError('forbidden', 'A role is missing.'));
    const answer = await call({}, {}, { authenticate });
    expect(answer.json).toMatchObject({ status: 403, returnCode: '10' });
  });

  it('sends Retry-After with every 503, the given one or five seconds', async () => {
    const failWith = (retryAfterSeconds?: number) => ({
      handle: () =>
        Promise.reject(
          new BrokerError(
            'message-store-unavailable',
            'Try again.',
            retryAfterSeconds === undefined ? {} : { retryAfterSeconds },
          ),
        ),
    });
    expect((await call(failWith(2))).headers['retry-after']).toBe('2');
    expect((await call(failWith())).headers['retry-after']).toBe('5');
  });

  it('answers a problem as problem+json with the legacy members and the time of the clock', async () => {
    const answer = await call({ body: Type.Object({ name: Type.String() }) }, { body: '{}' });
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json).toMatchObject({
      type: 'urn:ddhub:problem:invalid-parameters',
      status: 400,
      errors: [{ field: 'name', message: 'is required' }],
      returnCode: '17',
      returnMessage: 'name : is required',
      timestamp: '2026-01-02T03:04:05.000Z',
    });
  });

  it('takes an absent body for an empty object only where the route says so', async () => {
    const body = Type.Object({ keys: Type.Optional(Type.Array(Type.String())) });
    expect((await call({ body, bodyOptional: true })).status).toBe(200);
    expect((await call({ body })).json).toMatchObject({ status: 400, code: 'malformed-json' });
  });

  it('reads a megabyte of body and, unless the route says otherwise, no more', async () => {
    const body = Type.Object({ text: Type.String() });
    const withBytes = (length: number) => ({ body: JSON.stringify({ text: 'a'.repeat(length - 11) }) });
    expect((await call({ body }, withBytes(1_048_576))).status).toBe(200);
    expect((await call({ body }, withBytes(1_048_577))).status).toBe(413);
    expect((await call({ body, maxBodyBytes: 2_000_000 }, withBytes(1_048_577))).status).toBe(200);
  });

  it('keeps a harmless request id and replaces any other', async () => {
    const idOf = async (sent: string) =>
      (await call({}, { headers: { 'x-request-id': sent } })).headers['x-request-id'];
    expect(await idOf('abc-123')).toBe('abc-123');
    for (const sent of ['null', '', 'a b', '<script>', 'a'.repeat(129), 'é']) {
      expect(await idOf(sent)).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
    }
  });

  it('sends a length with every body, so that the answer is not chunked', async () => {
    const answer = await call({ handle: () => Promise.resolve({ json: { name: 'ü' } }) });
    expect(answer.headers['content-length']).toBe(String(Buffer.byteLength(answer.text)));
  });

  it('lets nobody keep an answer unless the route allows it', async () => {
    expect((await call({})).headers['cache-control']).toBe('no-store');
    const kept = () => Promise.resolve({ headers: { 'cache-control': 'public' }, json: {} });
    expect((await call({ handle: kept })).headers['cache-control']).toBe('public');
  });

  it('gives a handler what its schemas describe', async () => {
    const typed = route({
      method: 'POST',
      path: 'things/{id}',
      operationId: 'changeThing',
      summary: 'Change a thing',
      tag: 'Things',
      access: 'participant',
      params: Type.Object({ id: Type.String() }),
      query: Type.Object({ limit: Type.Optional(Type.Integer()) }),
      body: Type.Object({ amount: Type.Integer() }),
      responses: { 200: { description: 'Changed.' } },
      handle: ({ body, query, caller }) =>
        Promise.resolve({ json: { sum: body.amount + (query.limit ?? 0), did: caller.did } }),
    });
    const answer = await call(typed, { url: 'http://broker/things/1?limit=2', body: '{"amount":"3"}' });
    expect(answer.json).toEqual({ sum: 5, did: 'did:ethr:0x1' });
  });
});
