import { describe, expect, it } from '@jest/globals';
import { MailboxReader } from '../../../shared/messages/reader';
import { LaggingLog, newWorld, RecordStore } from '../../support/cursor-world';

const mailbox = { kind: 'did', identifier: 'did:ethr:volta:0x1' } as const;
const name = { mailbox, clientId: 'reader', from: undefined };
const everything = { topics: null, senders: null };

describe('a search', () => {
  it('whose pending messages are all acknowledged meanwhile goes on to what lies behind them', async () => {
    const world = newWorld();
    const log = new LaggingLog(world);
    const reader = new MailboxReader(log, new RecordStore(world), () => 100_000);
    const [first, second] = [log.store('t', 's', 60_000, 0), log.store('t', 's', 60_000, 0)];
    const search = () => reader.search({ ...name, filter: everything, amount: 1 });
    expect((await search()).map(({ seq }) => seq)).toEqual([first.seq]);
    const readAt = log.readAt.bind(log);
    log.readAt = async (...request) => {
      const found = await readAt(...request);
      await reader.acknowledge({ ...name, seqs: [first.seq] });
      return found;
    };
    expect((await search()).map(({ seq }) => seq)).toEqual([second.seq]);
  });

  it('finds what is new also while pending messages end within this second', async () => {
    const world = newWorld(1_800_000_000_001);
    const log = new LaggingLog(world);
    const reader = new MailboxReader(log, new RecordStore(world), () => 100_000);
    const search = () => reader.search({ ...name, filter: everything, amount: 1 });
    log.store('t', 's', 1_000, 0);
    expect(await search()).toHaveLength(1);
    world.nowMs += 1_000;
    const next = log.store('t', 's', 1_000, 0);
    expect((await search()).map(({ seq }) => seq)).toEqual([next.seq]);
  });

  it('regression: does not give a later message first when a replica lacks the pending one before it', async () => {
    const world = newWorld();
    const log = new LaggingLog(world);
    const reader = new MailboxReader(log, new RecordStore(world), () => 100_000);
    const search = () => reader.search({ ...name, filter: everything, amount: 10 });
    const sent = [log.store('t', 's', 60_000, 0), log.store('t', 's', 60_000, 0)];
    // Its answer is lost: nobody has seen what is pending now.
    await search();
    sent.push(log.store('t', 's', 60_000, 0));
    // The pending ones are read from a replica that was cut off, the new one from another.
    world.lags = [3];
    expect((await search()).map(({ seq }) => seq)).toEqual(sent.map(({ seq }) => seq));
  });
});
