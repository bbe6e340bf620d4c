// The retention timer in a process of its own, so that what it takes of memory is its own; and the filling of the store
// before it, in another one.

import { createContainer } from '../../../functions/container';
import { openMessageLog } from '../../../functions/container/message-store';
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
  const { jetStream, messageLog } = openMessageLog(readSettings(process.env), () => undefined);
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
