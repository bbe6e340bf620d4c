// The test's own server: what other tests rely on when they kill, restart and freeze it.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { connect } from 'nats';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

describe('a test nats-server', () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server.stop());

  it('keeps its streams and its port when it is killed and restarted', async () => {
    const { port } = server;
    const before = await connect({ servers: server.url, reconnect: false });
    await (await before.jetstreamManager()).streams.add({ name: 'KEPT', subjects: ['kept.>'] });
    await before.jetstream().publish('kept.one', 'first');
    const closed = before.closed();
    const { pid } = server;
    await server.kill('SIGKILL');
    await closed;
    await server.restart();
    expect(server.port).toBe(port);
    expect(server.pid).not.toBe(pid);
    const after = await connect({ servers: server.url });
    const info = await (await after.jetstreamManager()).streams.info('KEPT');
    expect(info.state.messages).toBe(1);
    await after.close();
  });

  it('can be frozen and continued', async () => {
    const connection = await connect({ servers: server.url });
    await server.kill('SIGSTOP');
    const flushed = connection.flush();
    await server.kill('SIGCONT');
    await flushed;
    await connection.close();
  });

  it('accepts payloads up to 8 MiB, as the shared configuration says', async () => {
    const connection = await connect({ servers: server.url });
    expect(connection.info?.max_payload).toBe(8 * 1_048_576);
    await connection.close();
  });

  it('takes further configuration, and removes its directory when it stops', async () => {
    const small = await startNatsServer({ config: 'max_payload: 1KB' });
    const connection = await connect({ servers: small.url });
    expect(connection.info?.max_payload).toBe(1_024);
    await connection.close();
    await small.stop();
    expect(existsSync(small.storeDir)).toBe(false);
  });
});
