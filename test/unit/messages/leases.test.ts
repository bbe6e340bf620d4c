import { describe, expect, it } from '@jest/globals';
import { BrokerError } from '../../../shared/broker-error';
import { LeaseTokens } from '../../../shared/messages/lease-tokens';
import { Leases } from '../../../shared/messages/leases';
import { mailboxToken } from '../../../shared/messages/mailbox';
import { MessageIds } from '../../../shared/messages/message-id';
import type { CursorStore } from '../../../shared/messages/message-log';
import { Receiver } from '../../../shared/messages/receiver';
import { LaggingLog, newWorld, RecordStore } from '../../support/cursor-world';

const mailbox = { kind: 'did', identifier: 'did:ethr:volta:0x1' } as const;
const clientId = 'worker';
const keys = [{ number: 1, key: new Uint8Array(32).fill(1) }];
const tokens = new LeaseTokens(keys, new MessageIds(keys));

/** One leased message under each `from`; changes of the records of some of them fail from then on. */
async function leasesUnder(froms: readonly string[], fails: (from: string) => BrokerError | undefined) {
  const world = newWorld();
  const log = new LaggingLog(world);
  const store = new RecordStore(world);
  log.store('t', 's', 60_000, 0);
  const receiver = new Receiver(
    log,
    store,
    () => 100_000,
    () => undefined,
  );
  const context = { mailbox: mailboxToken(mailbox), generation: 1, clientId };
  const signed = await Promise.all(
    froms.map(async (canonical) => {
      const { messages } = await receiver.receive({
        mailbox,
        clientId,
        from: { canonical, fromMs: 0 },
        filter: { topics: null, senders: null },
        max: 1,
        leaseMs: 10_000,
        maxDeliveries: 10,
      });
      return messages.map(({ seq, grant }) => tokens.sign({ seq, grant, from: canonical }, context, 1));
    }),
  );
  const cursors: CursorStore = {
    load: (name) => store.load(name),
    known: (name) => store.known(name),
    update: (name, change) => {
      const failure = fails(name.from);
      return failure ? Promise.reject(failure) : store.update(name, change);
    },
  };
  const told: number[] = [];
  const leases = new Leases({
    cursors,
    messageLog: log,
    tokens,
    settled: (_mailbox, _outcome, messages) => {
      told.push(...messages.map(({ seq }) => seq));
      return Promise.resolve();
    },
    log: () => undefined,
  });
  return { leases, tokens: signed.flat(), told };
}

const contended = new BrokerError('cursor-contended', 'Somebody else is faster.');

describe('settling leases of several cursors', () => {
  it('regression: settles and tells those of one although those of another cannot be settled', async () => {
    const world = await leasesUnder(['1', '2'], (from) => (from === '2' ? contended : undefined));
    const [settled, failed] = world.tokens;
    const outcomes = await world.leases.settle(mailbox, clientId, { kind: 'acknowledge' }, world.tokens);
    expect(outcomes).toEqual({
      succeeded: [settled],
      failed: [{ leaseToken: failed, code: 'unavailable' }],
    });
    expect(world.told).toHaveLength(1);
  });

  it('fails as a whole when none could be settled', async () => {
    const world = await leasesUnder(['1', '2'], () => contended);
    const settling = world.leases.settle(mailbox, clientId, { kind: 'acknowledge' }, world.tokens);
    await expect(settling).rejects.toMatchObject({ code: 'cursor-contended' });
    expect(world.told).toEqual([]);
  });
});
