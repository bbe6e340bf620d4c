// What a job and a node of a deployment talk to in Azure, in memory on one port: tokens of a managed identity, key
// vaults, a container of blobs, and the instance metadata with its userData. It keeps what it is given and answers
// nothing without a token.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export interface FakeAzure {
  /** `http://127.0.0.1:port`; identity at /identity, vaults at /vaults/<name>/, blobs at /artefacts. */
  readonly url: string;
  /** `<vault>/<name>` → value. */
  readonly secrets: Map<string, string>;
  readonly blobs: Map<string, Buffer>;
  /** What an instance reads about itself, before base64. */
  userData: string;
  readonly stop: () => Promise<void>;
}

const token = 'a-token';

export async function startFakeAzure(): Promise<FakeAzure> {
  const secrets = new Map<string, string>();
  const blobs = new Map<string, Buffer>();
  const fake = { url: '', secrets, blobs, userData: '{}', stop: () => Promise.resolve() };

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://fake');
    const answer = (status: number, body: string | Buffer = '') => response.writeHead(status).end(body);
    const [, area = '', first = '', kind = '', name = ''] = pathname.split('/');
    if (area === 'identity' || pathname === '/metadata/identity/oauth2/token') {
      const known =
        request.headers['x-identity-header'] === 'secret-header' || request.headers['metadata'] === 'true';
      const asked = searchParams.get('resource') && searchParams.get('client_id');
      return known && asked ? answer(200, JSON.stringify({ access_token: token })) : answer(400);
    }
    if (pathname === '/metadata/instance/compute/userData') {
      return request.headers['metadata'] === 'true'
        ? answer(200, Buffer.from(fake.userData).toString('base64'))
        : answer(400);
    }
    if (request.headers.authorization !== `Bearer ${token}`) return answer(401);
    if (area === 'artefacts') {
      const blob = blobs.get(first);
      return blob ? answer(200, blob) : answer(404);
    }
    if (area !== 'vaults' || kind !== 'secrets') return answer(404);
    const key = `${first}/${name}`;
    if (request.method === 'PUT') {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      secrets.set(key, (JSON.parse(Buffer.concat(chunks).toString()) as { value: string }).value);
    }
    const value = secrets.get(key);
    return value === undefined ? answer(404) : answer(200, JSON.stringify({ value }));
  };

  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  fake.url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  fake.stop = () =>
    new Promise((resolve) => {
      server.close(() => {
        resolve();
      });
      server.closeAllConnections();
    });
  return fake;
}
