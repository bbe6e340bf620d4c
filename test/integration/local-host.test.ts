// The local host over real HTTP: routing, streaming, hostile and vanishing clients.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { eventually } from '../support/eventually';
import { type BuiltLocalHost, buildLocalHost, type RunningLocalHost } from '../support/local-host';

const maxBodyBytes = 1_000_000;

let built: BuiltLocalHost;
let host: RunningLocalHost;

beforeAll(async () => {
  built = await buildLocalHost();
  host = await built.start({
    environment: {
      FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: String(maxBodyBytes),
      BY_HAND_UNTIL: join(built.directory, 'by-hand'),
      JOURNAL: join(built.directory, 'journal'),
    },
  });
});

afterAll(async () => {
  await host.process.stop();
  await built.remove();
});

const get = (path: string) => fetch(`${host.url}${path}`);
const post = (path: string, body: string | Buffer) => fetch(`${host.url}${path}`, { method: 'POST', body });
const getJson = async (path: string) => (await get(path)).json() as Promise<Record<string, unknown>>;
const state = async (name: string) => Number((await getJson('/state'))[name]);
const runNow = (name: string, body = '{}') => post(`/admin/functions/${name}`, body);

/** A POST whose body is sent piece by piece. */
function openUpload(path: string, headers: Record<string, string> = {}) {
  const upload = httpRequest(`${host.url}${path}`, { method: 'POST', headers });
  upload.on('error', () => undefined);
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    upload.once('response', resolve).once('error', reject);
  });
  return { upload, response };
}

/** Sends bytes as they are and gives all that comes back until the other side closes. */
async function sendRaw(bytes: string): Promise<string> {
  const socket = connect(host.port, '127.0.0.1');
  socket.write(bytes);
  return text(socket);
}

describe('routing', () => {
  it('lets the function whose name sorts first win, and passes parameters as they stand in the path', async () => {
    expect(await getJson('/things/search')).toMatchObject({ function: 'things-search' });
    expect(await getJson('/THINGS/a%2Fb%20%C3%A9/')).toMatchObject({
      function: 'things-zz_id',
      params: { id: 'a%2Fb%20%C3%A9' },
    });
  });

  it('keeps repeated query keys apart', async () => {
    expect(await getJson('/things/search?key=a&key=b+c&key=a,b')).toMatchObject({
      keys: ['a', 'b c', 'a,b'],
    });
  });

  it('takes a URL of 20 KB, and answers 431 beyond the limit of 32 KB', async () => {
    const answer = await getJson(`/things/search?key=${'x'.repeat(20_000)}`);
    expect(answer['urlLength']).toBeGreaterThan(20_000);
    expect((await get(`/things/search?key=${'x'.repeat(40_000)}`)).status).toBe(431);
  });

  it.each([
    ['GET', '/nowhere'],
    ['GET', '/'],
    ['DELETE', '/things/search'],
    ['HEAD', '/things/search'],
    ['GET', '/admin/functions/by-hand'],
    ['GET', '/admin'],
    ['POST', '/admin/functions/nobody'],
    ['POST', '/admin/functions/echo'],
  ])('answers %s %s with 404 and an empty body', async (method, path) => {
    const response = await fetch(`${host.url}${path}`, {
      method,
      ...(method === 'POST' ? { body: '{}' } : {}),
    });
    expect(response.status).toBe(404);
    expect(await response.text()).toBe('');
  });

  it('understands an absolute request target and dot segments', async () => {
    const answer = await sendRaw(
      `GET http://elsewhere/echo/%2e%2e/things/../things/9 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toContain('"id":"9"');
  });

  it('answers 400 to a Host header that is no host', async () => {
    const answer = await sendRaw('GET /things/9 HTTP/1.1\r\nHost: a b<\r\nConnection: close\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('ignores invocation ids and forwarded hosts that a client makes up', async () => {
    const response = await fetch(`${host.url}/things/search`, {
      headers: {
        'x-ms-invocation-id': 'mine',
        'x-forwarded-host': 'evil.example',
        'x-forwarded-proto': 'gopher',
      },
    });
    expect(response.headers.get('x-ms-invocation-id')).not.toBe('mine');
    expect(await response.json()).toMatchObject({ urlLength: `${host.url}/things/search`.length });
  });
});

describe('streaming', () => {
  it('hands the first bytes of an upload to the handler, and its answer to the client, before the upload ends', async () => {
    const { upload, response } = openUpload('/echo');
    upload.write('first ');
    const reader = (await response)[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    expect(String((await reader.next()).value)).toBe('first ');
    upload.end('last');
    expect(String((await reader.next()).value)).toBe('last');
    expect((await reader.next()).done).toBe(true);
  });

  it('carries a chunked upload and one of declared length unchanged', async () => {
    const bytes = Buffer.alloc(maxBodyBytes, 'åß');
    const { upload, response } = openUpload('/echo');
    upload.end(bytes);
    const chunks: Buffer[] = [];
    for await (const chunk of await response) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
    expect(Buffer.from(await (await post('/echo', bytes)).arrayBuffer()).equals(bytes)).toBe(true);
  });

  it('refuses a declared length beyond the limit with 413', async () => {
    expect((await post('/collect', Buffer.alloc(maxBodyBytes + 1))).status).toBe(413);
  });

  it('cuts a chunked upload off at the limit with 413', async () => {
    const { upload, response } = openUpload('/collect');
    for (let sent = 0; sent <= maxBodyBytes; sent += 100_000) upload.write(Buffer.alloc(100_000));
    expect((await response).statusCode).toBe(413);
    upload.destroy();
    expect(await (await post('/collect', 'abc')).json()).toEqual({ bytes: 3 });
  });

  it('answers although the handler leaves the upload unread, and keeps the connection in order', async () => {
    const answers = await sendRaw(
      `POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nGET /` +
        `POST /unread HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nGET /\r\n0\r\n\r\n` +
        `GET /things/9 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    );
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 403', 'HTTP/1.1 403', 'HTTP/1.1 200']);
  });

  it.each(['Content-Length: 900000', 'Transfer-Encoding: chunked'])(
    'drops the rest of an upload of which the handler has read only the beginning (%s)',
    async (length) => {
      const rest = 'x'.repeat(900_000);
      const body = length.endsWith('chunked') ? `${rest.length.toString(16)}\r\n${rest}\r\n0\r\n\r\n` : rest;
      const answers = await sendRaw(
        `POST /peeks HTTP/1.1\r\nHost: x\r\n${length}\r\n\r\n${body}` +
          `GET /things/9 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      );
      expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 403', 'HTTP/1.1 200']);
    },
  );

  it.each([
    ['chunked', {}],
    ['of declared length', { 'content-length': '900000' }],
  ])(
    'answers an upload (%s) that the handler has given up on',
    async (_kind, headers: Record<string, string>) => {
      const { upload, response } = openUpload('/gives-up', headers);
      upload.write(Buffer.alloc(200_000));
      expect((await response).statusCode).toBe(413);
      upload.destroy();
    },
  );

  it('answers requests while others are under way', async () => {
    const until = join(built.directory, 'concurrent');
    const begun = join(built.directory, 'concurrent-begun');
    const slow = [1, 2, 3].map(() => get(`/slow?until=${until}&begun=${begun}`));
    const quick = await Promise.all(Array.from({ length: 50 }, (_none, id) => getJson(`/things/${id}`)));
    expect(quick.map(({ params }) => (params as { id: string }).id)).toEqual(
      quick.map((_none, id) => String(id)),
    );
    writeFileSync(until, '');
    for (const response of await Promise.all(slow)) expect(await response.text()).toBe('slow but done');
  });
});

describe('clients that go away', () => {
  it.each([
    ['chunked', {}],
    ['of declared length', { 'content-length': '1000' }],
  ])('the handler of an upload (%s) learns of it', async (_kind, headers: Record<string, string>) => {
    const before = await state('abortedUploads');
    const { upload, response } = openUpload('/collect', headers);
    response.catch(() => undefined);
    const begun = await state('uploadsBegun');
    upload.write('some');
    await eventually(async () => (await state('uploadsBegun')) > begun);
    upload.destroy();
    await eventually(async () => (await state('abortedUploads')) > before);
  });

  it('a reader that leaves in the middle of an answer harms nobody', async () => {
    const until = join(built.directory, 'endless');
    const socket = connect(host.port, '127.0.0.1');
    socket.write(`GET /endless?until=${until} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await once(socket, 'data');
    socket.destroy();
    writeFileSync(until, '');
    await eventually(async () => (await state('endlessEnded')) === 1);
    expect((await get('/things/1')).status).toBe(200);
  });

  it('bytes that are no HTTP are answered with 400', async () => {
    expect(await sendRaw('\u0016\u0003\u0001 hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('handlers that fail', () => {
  it.each(['/throws', '/nothing'])('%s is answered with 500 and told in the log', async (path) => {
    expect((await get(path)).status).toBe(500);
    await eventually(() => host.output().includes(`Function ${path.slice(1)} failed`));
    expect((await get('/things/1')).status).toBe(200);
  });
});

describe('timers', () => {
  it('run on their schedule', async () => {
    const before = await state('ticks');
    await eventually(async () => (await state('ticks')) >= before + 2);
  });

  it('run by hand in the background, one after the other', async () => {
    expect((await runNow('by-hand')).status).toBe(202);
    await eventually(async () => (await state('slowRunning')) === 1);
    expect((await runNow('BY-HAND')).status).toBe(202);
    expect(await state('slowRuns')).toBe(1);
    writeFileSync(join(built.directory, 'by-hand'), '');
    await eventually(async () => (await state('slowRuns')) === 2);
    await eventually(async () => (await state('slowRunning')) === 0);
    expect(await state('mostSlowRunning')).toBe(1);
  });

  it('that fail are told in the log', async () => {
    expect((await runNow('fails')).status).toBe(202);
    await eventually(() => host.output().includes('deliberate timer'));
  });

  it.each(['', 'x', '[]', '"{}"'])('are not run by hand with the body %p', async (body) => {
    expect((await runNow('by-hand', body)).status).toBe(400);
  });
});

describe('the app', () => {
  it('has its hooks run', async () => {
    const { started, invocationsBefore, invocationsAfter } = await getJson('/state');
    expect(started).toBe(true);
    expect(Number(invocationsBefore)).toBeGreaterThanOrEqual(Number(invocationsAfter));
    expect(Number(invocationsAfter)).toBeGreaterThan(0);
  });

  it('has its warnings shown, and no more than asked for', async () => {
    await get('/says');
    await eventually(() => host.output().includes('[warning] a loud word'));
    expect(host.output()).not.toContain('a quiet word');
  });
});
