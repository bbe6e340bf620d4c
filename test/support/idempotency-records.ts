// What the store remembers of calls under an Idempotency-Key, for tests that look at it, or leave a call as a killed
// process leaves it.

import { JetStream } from '../../shared/adapters/nats/jetstream';
import {
  bucketStream,
  bucketSubject,
  idempotencyBucket,
  idempotencyKey,
} from '../../shared/adapters/nats/names';
import type { Participant } from './broker';

export interface IdempotencyRecords {
  /** The record's text, or an empty one. */
  readonly textOf: (caller: Participant, operationId: string, key: string) => Promise<string>;
  /** Takes back that a call has ended: so its record is left when the process ends before it answers. */
  readonly unfinish: (caller: Participant, operationId: string, key: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

export function openIdempotencyRecords(natsUrl: string): IdempotencyRecords {
  const jetStream = new JetStream({ servers: [natsUrl], log: () => undefined });
  const subjectOf = ({ did }: Participant, operationId: string, key: string): string =>
    bucketSubject(idempotencyBucket, idempotencyKey({ did, operationId, key }));
  const textOf: IdempotencyRecords['textOf'] = async (caller, operationId, key) => {
    const subject = subjectOf(caller, operationId, key);
    const entry = await jetStream.lastBySubject(bucketStream(idempotencyBucket), subject);
    return entry?.data.toString() ?? '';
  };
  return {
    textOf,
    unfinish: async (caller, operationId, key) => {
      const record = JSON.parse(await textOf(caller, operationId, key)) as object;
      const running = JSON.stringify({ ...record, state: 'running', answer: undefined });
      await jetStream.publish(subjectOf(caller, operationId, key), Buffer.from(running), {});
    },
    close: () => jetStream.close(),
  };
}
