// Loads the built app once, as an instance does when it starts, and tells how long that took and whether anything
// was opened on the network meanwhile.

import { Socket } from 'node:net';
import { loadApp } from '../../local-host/load-app';
import { serve } from '../child';

export interface LoadAppRequest {
  readonly bundle: string;
}

export interface LoadAppReply {
  readonly milliseconds: number;
  readonly connectionsOpened: number;
}

export function runLoadAppProcess(): void {
  serve(async ({ bundle }: LoadAppRequest): Promise<LoadAppReply> => {
    let connectionsOpened = 0;
    // Every TCP and TLS client of Node goes through it.
    const connect = Reflect.get(Socket.prototype, 'connect') as (...args: unknown[]) => Socket;
    Socket.prototype.connect = function (this: Socket, ...args: unknown[]): Socket {
      connectionsOpened++;
      return connect.apply(this, args);
    };
    const startedAt = performance.now();
    await loadApp(bundle, () => undefined);
    const milliseconds = performance.now() - startedAt;
    // What loading has set off for later belongs to it too.
    await new Promise((resolve) => setImmediate(resolve));
    return { milliseconds, connectionsOpened };
  });
}
