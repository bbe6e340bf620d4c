import { describe, expect, it, jest } from '@jest/globals';
import { type Cursor, cursorLimits } from '../../../shared/messages/cursor';
import { Receiver, type ReceiveRequest } from '../../../shared/messages/receiver';
import { LaggingLog, newWorld, RecordStore } from '../../support/cursor-world';

const mailbox = { kind: 'did', identifier: 'did:ethr:volta:0x1' } as const;
const cursorName = { mailbox, clientId: 'worker', from: '' } as const;

function newInstance() {
  const world = newWorld();
  const log = new LaggingLog(world);
  const store = new RecordStore(world);
  const receiver = new Receiver(
    log,
    store,
    () => 100_000,
    () => undefined,
  );
  const receive = async (max: number, more: Partial<ReceiveRequest> = {}) => {
    const { messages } = await receiver.receive({
      mailbox,
      clientId: 'worker',
      from: undefined,
      filter: { topics: null, senders: null },
      max,
      leaseMs: 10_000,
      maxDeliveries: 10,
      ...more,
    });
    return messages.map(({ seq }) => seq);
  };
  return { world, log, store, receive };
}

describe('a receive at the pending ceiling', () => {
  const more = 300;

  async function atCeiling() {
    const instance = newInstance();
    for (let count = 0; count < cursorLimits.pending + more; count++) instance.log.store('t', 's', 60_000, 0);
    expect(await instance.receive(cursorLimits.pending)).toHaveLength(cursorLimits.pending);
    return instance;
  }

  it('regression: is answered empty after one look, and writes nothing', async () => {
    const { log, store, receive } = await atCeiling();
    const { revision } = await store.load(cursorName);
    const { reads } = log;
    expect(await receive(more)).toEqual([]);
    expect(log.reads - reads).toBe(1);
    expect((await store.load(cursorName)).revision).toBe(revision);
  });

  it('still gets what is pending and free', async () => {
    const { world, receive } = await atCeiling();
    world.nowMs += 10_000;
    expect(await receive(2)).toEqual([1, 2]);
    expect(await receive(cursorLimits.pending)).toHaveLength(cursorLimits.pending - 2);
    expect(await receive(1)).toEqual([]);
  });
});

describe('many workers of one filter', () => {
  it('regression: all get a message although the bytes of a read end before', async () => {
    const { log, receive } = newInstance();
    const topics = Array.from({ length: 16 }, (_none, index) => `t${index}`);
    for (let count = 0; count < 40; count++) log.store('t0', 's', 60_000, 0, 600 * 1024);
    const filter = { topics, senders: null };
    const answers = await Promise.all(Array.from({ length: 20 }, () => receive(1, { filter })));
    expect(answers.flat().sort((one, other) => one - other)).toEqual(
      Array.from({ length: 20 }, (_none, index) => index + 1),
    );
  });

  it('regression: all get a message although what is pending is more than an answer holds', async () => {
    const { world, log, receive } = newInstance();
    for (let count = 0; count < 40; count++) log.store('t', 's', 60_000, 0, 1024 * 1024);
    while ((await receive(40)).length) continue;
    world.nowMs += 10_000;
    const answers = await Promise.all(Array.from({ length: 40 }, () => receive(1)));
    expect(answers.filter(({ length }) => length === 1)).toHaveLength(40);
  });
});

describe('a receive that has heard of an arrival', () => {
  const arrived = new Set(['t']);

  async function afterOne() {
    const instance = newInstance();
    const { log, store, receive } = instance;
    log.store('t', 's', 60_000, 0);
    expect(await receive(1)).toEqual([1]);
    const load = jest.spyOn(store, 'load');
    log.store('t', 's', 60_000, 0);
    return { ...instance, load };
  }

  it('leases on the record that its instance knows, and does not ask for it', async () => {
    const { log, load, receive } = await afterOne();
    const { reads } = log;
    expect(await receive(1, { arrived })).toEqual([2]);
    expect(load).not.toHaveBeenCalled();
    expect(log.reads - reads).toBe(1);
  });

  it('asks for it where others have changed it since: what they have released comes first', async () => {
    const { world, store, load, receive } = await afterOne();
    world.ages = [1];
    await store.update(cursorName, (cursor) => ({
      cursor: { ...cursor, pending: cursor.pending.replacing([{ ...free(cursor), leaseUntilMs: 0 }]) },
      outcome: undefined,
    }));
    expect(await receive(1, { arrived })).toEqual([1]);
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('asks for it where a replica that is behind has nothing, before it says so', async () => {
    const { world, load, receive } = await afterOne();
    world.lags = [1, 1];
    expect(await receive(1, { arrived })).toEqual([]);
    expect(load).toHaveBeenCalledTimes(1);
    expect(await receive(1, { arrived })).toEqual([2]);
  });

  function free(cursor: Cursor) {
    const entry = cursor.pending.get(1);
    if (!entry) throw new Error('The first message is pending.');
    return entry;
  }
});
