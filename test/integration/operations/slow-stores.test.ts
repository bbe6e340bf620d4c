// Networks that are slow, cut or silent before Blob and before a SQL server, made by a proxy. The SQL server is the
// stand-in that speaks TDS in front of SQLite: what the wire does to mssql is real, what T-SQL means is not.

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { BlobConnection } from '../../../shared/adapters/blob/blob-connection';
import { callBlob } from '../../../shared/adapters/blob/blob-errors';
import { BlobPayloadStore } from '../../../shared/adapters/blob/blob-payload-store';
import { Containers } from '../../../shared/adapters/blob/containers';
import { migrate, sqlBackend, SqlTopicStore } from '../../../shared/adapters/sql';
import { systemClock } from '../../../shared/clock';
import { azuriteConnectionString } from '../../../scripts/stack/azurite';
import { someTopic } from '../../contract/topics/topic-store.contract';
import { startAzurite } from '../../support/azurite';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy';
import { startTdsStandIn } from '../../support/tds-stand-in';

jest.setTimeout(60_000);

const stops: (() => Promise<void>)[] = [];
let proxy: TcpProxy;

afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

/** How long it took. Unit: ms. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

describe('a Blob store', () => {
  let payloads: BlobPayloadStore;
  const connection = () =>
    new BlobConnection({
      kind: 'connection-string',
      connectionString: azuriteConnectionString(proxy.port),
    });

  beforeEach(async () => {
    const azurite = await startAzurite();
    proxy = await startTcpProxy(() => azurite.port);
    stops.push(azurite.stop, proxy.close);
    payloads = new BlobPayloadStore(new Containers(connection()));
    await payloads.put(Buffer.from('first'), Date.now() + 60_000);
  });

  test('that is slow is waited for', async () => {
    proxy.delay(150);
    const took = await timed(async () => {
      const name = await payloads.put(Buffer.from('slow'), Date.now() + 60_000);
      expect(await payloads.get(name)).toEqual(Buffer.from('slow'));
    });
    expect(took).toBeGreaterThan(4 * 150 - 10);
  });

  test('whose connections are cut is asked again', async () => {
    const putting = payloads.put(Buffer.alloc(1_000_000), Date.now() + 60_000);
    proxy.reset();
    expect(await payloads.get(await putting)).toHaveLength(1_000_000);
  });

  test('whose connections are half-open does not keep new ones from working', async () => {
    proxy.abandon();
    const put = callBlob(() => payloads.put(Buffer.from('lost'), Date.now() + 60_000), [], 500);
    await expect(put).rejects.toMatchObject({ code: 'blob-store-unavailable' });
    proxy.pass();
    expect(await payloads.put(Buffer.from('anew'), Date.now() + 60_000)).toMatch(/^[0-9a-f]{24}$/);
  });

  test('regression: that is silent is given up, and not waited for until TCP does', async () => {
    proxy.isolate();
    const aborted: boolean[] = [];
    const call = callBlob(
      async (abortSignal) => {
        abortSignal.addEventListener('abort', () => aborted.push(true));
        return connection().client().getProperties({ abortSignal });
      },
      [],
      300,
    );
    await expect(call).rejects.toMatchObject({ code: 'blob-store-unavailable', retryAfterSeconds: 5 });
    expect(aborted).toEqual([true]);
  });
});

describe('a SQL server', () => {
  let store: SqlTopicStore;
  /** With a pool of its own, which has no connection yet. */
  let open: () => SqlTopicStore;

  beforeEach(async () => {
    const server = await startTdsStandIn();
    const port = Number(/,(\d+);/.exec(server.connectionString)?.[1]);
    proxy = await startTcpProxy(() => port);
    const connectionString = server.connectionString.replace(`,${port};`, `,${proxy.port};`);
    await migrate(sqlBackend({ kind: 'connection-string', connectionString }));
    stops.push(server.stop, proxy.close);
    open = () => {
      const opened = new SqlTopicStore(
        sqlBackend({ kind: 'connection-string', connectionString }),
        systemClock,
      );
      stops.push(() => opened.close());
      return opened;
    };
    store = open();
    await store.create(someTopic());
  });

  test('that is slow is waited for', async () => {
    proxy.delay(100);
    expect(await timed(() => store.create(someTopic()))).toBeGreaterThan(190);
  });

  test('that refuses connections is unavailable, and works again by itself', async () => {
    proxy.refuse();
    const fresh = open();
    await expect(fresh.create(someTopic())).rejects.toMatchObject({ code: 'topic-store-unavailable' });
    proxy.pass();
    const { id } = await fresh.create(someTopic());
    expect((await store.find(id))?.id).toBe(id);
  });

  test('that is silent is unavailable before a caller gives up', async () => {
    proxy.isolate();
    const fresh = open();
    const took = await timed(() =>
      expect(fresh.create(someTopic())).rejects.toMatchObject({ code: 'topic-store-unavailable' }),
    );
    expect(took).toBeLessThan(30_000);
    proxy.pass();
    const { id } = await fresh.create(someTopic());
    expect((await store.find(id))?.id).toBe(id);
  });
});
