import { describe, expect, it } from '@jest/globals';
import { MessageIds } from '../../../shared/messages/message-id';
import { ReadReceipts } from '../../../shared/messages/read-receipts';
import { LaggingLog, newWorld } from '../../support/cursor-world';

const mailbox = { kind: 'did', identifier: 'did:ethr:volta:0x1' } as const;

describe('read receipts', () => {
  it('regression: reach the others when one cannot be written, and the log counts that one', async () => {
    const world = newWorld();
    const messageLog = new LaggingLog(world);
    const messages = Array.from({ length: 200 }, (_none, index) =>
      messageLog.store('t', `s${index}`, 60_000, 0),
    );
    const told: string[] = [];
    const logged: unknown[] = [];
    const receipts = new ReadReceipts({
      mailboxOptions: { tellsSenders: () => true },
      receiptLog: {
        write: (sender) => {
          if (sender === 's3') return Promise.reject(new Error('This one is away.'));
          told.push(sender);
          return Promise.resolve();
        },
      },
      messageLog,
      messageIds: new MessageIds([{ number: 0, key: new Uint8Array(32).fill(1) }]),
      now: () => Promise.resolve(world.nowMs),
      log: (_level, _message, fields) => logged.push(fields),
    });
    await receipts.tell(mailbox, 'acknowledged', messages);
    expect(told).toHaveLength(199);
    expect(logged).toMatchObject([{ outcome: 'acknowledged', count: 1 }]);
  });
});
