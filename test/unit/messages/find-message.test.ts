import { describe, expect, it } from '@jest/globals';
import { findAttempt, findMessage } from '../../../shared/messages/find-message';
import { senderToken } from '../../../shared/messages/mailbox';
import { LaggingLog, newWorld } from '../../support/cursor-world';

const mailbox = { kind: 'did', identifier: 'did:ethr:volta:0x1' } as const;
const senderDid = 'did:ethr:volta:0x2';
const filter = { topic: 't', sender: senderToken(senderDid) };
/** More reads than any of these searches needs: one that goes on for ever fails instead. */
const tooManyReads = 20;

function newLog() {
  const world = newWorld();
  const log = new LaggingLog(world);
  const read = log.read.bind(log);
  /** Called before each read with its number. */
  const before: { read: (number: number) => void } = { read: () => undefined };
  log.read = (...call) => {
    if (log.reads >= tooManyReads) return Promise.reject(new Error('It reads on and on.'));
    before.read(log.reads + 1);
    return read(...call);
  };
  const store = () => log.store('t', filter.sender, 60_000, 0);
  const remove = (seq: number): void => {
    log.messages.splice(0, log.messages.length, ...log.messages.filter((message) => message.seq !== seq));
  };
  return { world, log, before, store, remove };
}

describe('looking for an earlier message', () => {
  it('finds it behind others', async () => {
    const { world, log, store } = newLog();
    for (let count = 0; count < 2_500; count++) store();
    const wanted = store();
    const find = (seq: number) =>
      findMessage(log, mailbox, filter, world.nowMs, (message) => message.seq === seq);
    expect(await find(wanted.seq)).toBe(wanted);
    expect(await find(wanted.seq + 1)).toBeUndefined();
  });

  it('finds the message of an attempt, and none of another', async () => {
    const { world, log, store } = newLog();
    Object.assign(store(), { attempt: 'a' });
    const wanted = Object.assign(store(), { attempt: 'b' });
    const find = (id: string) =>
      findAttempt(log, mailbox, { topicId: 't', senderDid }, { id, isRepeated: true, sinceMs: world.nowMs });
    expect(await find('b')).toBe(wanted);
    expect(await find('c')).toBeUndefined();
  });

  it('waits for a replica that is behind', async () => {
    const { world, log, store } = newLog();
    store();
    const wanted = store();
    world.lags = [2, 1, 1];
    const found = await findMessage(log, mailbox, filter, world.nowMs, ({ seq }) => seq === wanted.seq);
    expect(found).toBe(wanted);
  });

  it('does not wait for what was stored before the instant', async () => {
    const { world, log, store } = newLog();
    store();
    world.nowMs += 3_600_000;
    expect(await findMessage(log, mailbox, filter, world.nowMs, () => true)).toBeUndefined();
    expect(log.reads).toBe(1);
  });

  it.each([
    ['the only message', 1],
    ['the last message, after an earlier one was read,', 2],
  ])('regression: ends when %s is removed meanwhile', async (_which, removedBeforeRead) => {
    const { world, log, before, store, remove } = newLog();
    const count = removedBeforeRead;
    const sent = Array.from({ length: count }, store);
    // The first of two is read while a replica lacks the second one.
    world.lags = count === 2 ? [1] : [];
    before.read = (number) => {
      if (number === removedBeforeRead) remove(sent.at(-1)?.seq ?? 0);
    };
    expect(await findMessage(log, mailbox, filter, world.nowMs, () => false)).toBeUndefined();
  });
});
