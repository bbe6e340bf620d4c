// Port numbers of the developer commands.

import { createServer } from 'node:net';

/** @throws Error when the text is not a port number */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new Error(`--port must be a number from 0 to 65535`);
  return port;
}

/** @throws Error in one line when somebody listens on the port of 127.0.0.1 */
export async function refusePortInUse(port: number, advice: string): Promise<void> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const fault =
        error.code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${error.code ?? error.message})`;
      reject(new Error(`port ${port} ${fault}: ${advice}`));
    });
    probe.listen(port, '127.0.0.1', () => {
      probe.close(() => {
        resolve();
      });
    });
  });
}
