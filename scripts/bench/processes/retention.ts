// The retention timer in a process of its own, so that what it takes of memory is its own; and the filling of the store
// before it, in another one.

import { createContainer } from '../../../functions/container';
import { DirectGet } from '../../../shared/adapters/nats/direct-get';
import { JetStream } from '../../../shared/adapters/nats/jetstream';
import { JetStreamMessageLog } from '../../../shared/adapters/nats/jetstream-message-log';
import { StoreLayout } from '../../../shared/adapters/nats/store-layout';
import { readSettings } from '../../../shared/config/settings';
import { serve } from '../child';

/** Without a filling: one run of the timer. */
export interface RetentionRequest {
  readonly fill?: { readonly retentionClass: string; readonly messages: number; readonly mailboxes: number };
}

export interface RetentionReply {
  readonly seconds: number;
  /** Greatest memory of the process so far. Unit: MiB. */
  readonly peakMiB: number;
}

const topicId = '0123456789abcdef01234567';
/** Messages on their way to the store at once. */
const width = 512;

export function runRetentionProcess(): void {
  const settings = readSettings(process.env);
  const log = () => undefined;
  const container = createContainer(settings, log);
  serve(async ({ fill }: RetentionRequest): Promise<RetentionReply> => {
    const start = performance.now();
    if (fill) await fillStore(fill);
    else await container.timers.find(({ name }) => name === 'retention')?.run();
    const seconds = (performance.now() - start) / 1_000;
    return { seconds, peakMiB: process.resourceUsage().maxRSS / 1_024 };
  });
}

/** Messages of 1 KiB from ten senders, spread over the mailboxes in turn. */
async function fillStore(fill: NonNullable<RetentionRequest['fill']>): Promise<void> {
  const { nats, retention } = readSettings(process.env);
  const log = () => undefined;
  const jetStream = new JetStream({ servers: nats.servers, log });
  const layout = new StoreLayout(jetStream, {
    shardCount: nats.shardCount,
    replicas: nats.replicas,
    duplicateWindowSeconds: nats.duplicateWindowSeconds,
    retentionClasses: retention.classes.map(({ name }) => name),
    log,
  });
  const messageLog = new JetStreamMessageLog({
    jetStream,
    directGet: new DirectGet(jetStream.connections),
    layout,
    duplicateWindowSeconds: nats.duplicateWindowSeconds,
  });
  const body = Buffer.from(JSON.stringify({ payload: 'x'.repeat(1_024) }));
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < fill.messages) {
      const number = next++;
      const identifier = `did:ethr:volta:0x${number % fill.mailboxes}`;
      await messageLog.append({
        mailbox: { kind: 'did', identifier },
        topicId,
        senderDid: `did:ethr:volta:0xsender${number % 10}`,
        retentionClass: fill.retentionClass,
        keyNumber: 1,
        recipient: identifier,
        transactionId: undefined,
        body,
      });
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  await jetStream.close();
}
