// Clients that go away before they have their answers: announced to the broker as Node's HTTP server announces the
// requests that it begins.

import { randomUUID } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { invocationHeader } from './broker';

export interface DepartingClient {
  /** Of its request. */
  readonly headers: Readonly<Record<string, string>>;
  /** Its connection is closed from now on. */
  readonly leave: () => void;
}

export function departingClient(): DepartingClient {
  const headers = { [invocationHeader]: randomUUID() };
  const request = new IncomingMessage(new Socket());
  Object.assign(request.headers, headers);
  const response = new ServerResponse(request);
  channel('http.server.request.start').publish({ request, response });
  return { headers, leave: () => void response.emit('close') };
}
