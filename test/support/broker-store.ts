// The message store beneath a broker, for tests that fill it quickly or look at what is kept there.

import { connect, type NatsConnection } from 'nats';
import { openMessageLog } from '../../functions/container/message-store';
import { readSettings } from '../../shared/config/settings';
import type { MessageLog } from '../../shared/messages';
import { bodyFor, printShared } from '../../shared/messages/message-body';

export interface BrokerStore {
  readonly messageLog: MessageLog;
  /** Stores messages from one sender, in order, past the HTTP interface. */
  readonly append: (
    senderDid: string,
    recipientDid: string,
    topicId: string,
    payloads: readonly string[],
  ) => Promise<void>;
  /** Every subject of every stream, and every stream's name. */
  readonly names: () => Promise<{
    readonly streams: readonly string[];
    readonly subjects: readonly string[];
  }>;
  /** Counts the direct gets that anybody has asked for since. */
  readonly countDirectGets: () => Promise<() => Promise<number>>;
  readonly close: () => Promise<void>;
}

/** Messages on their way at once. */
const width = 256;

/** @param settings those of the site whose store it is */
export async function openBrokerStore(
  natsUrl: string,
  settings: Readonly<Record<string, string>>,
): Promise<BrokerStore> {
  const ofSite = readSettings({ ...settings, NATS_SERVERS: natsUrl });
  const { retention, messageIdKeys } = ofSite;
  const { jetStream, messageLog } = openMessageLog(ofSite, () => undefined);
  const connection = await connect({ servers: natsUrl });
  const keyNumber = messageIdKeys[0]?.number ?? 0;

  const append: BrokerStore['append'] = async (senderDid, recipientDid, topicId, payloads) => {
    for (let start = 0; start < payloads.length; start += width) {
      await Promise.all(
        payloads.slice(start, start + width).map((payload) => {
          const fields = { topicId, topicVersion: '1.0.0', signature: '', payload, senderDid };
          const shared = printShared({
            ...fields,
            payloadEncryption: true,
            isFile: false,
            clientGatewayMessageId: 'appended',
          });
          return messageLog.append({
            mailbox: { kind: 'did', identifier: recipientDid },
            topicId,
            senderDid,
            retentionClass: retention.defaultClass.name,
            keyNumber,
            transactionId: undefined,
            body: bodyFor(recipientDid, shared),
          });
        }),
      );
    }
  };
  return {
    messageLog,
    append,
    names: () => namesOf(connection),
    countDirectGets: async () => {
      let count = 0;
      connection.subscribe('$JS.API.DIRECT.GET.>', { callback: () => count++ });
      await connection.flush();
      return async () => {
        await connection.flush();
        return count;
      };
    },
    close: async () => {
      await Promise.all([jetStream.close(), connection.close()]);
    },
  };
}

async function namesOf(connection: NatsConnection): Promise<{ streams: string[]; subjects: string[] }> {
  const manager = await connection.jetstreamManager();
  const streams = await manager.streams.names().next();
  const infos = await Promise.all(
    streams.map((name) => manager.streams.info(name, { subjects_filter: '>' })),
  );
  return { streams, subjects: infos.flatMap(({ state }) => Object.keys(state.subjects ?? {})) };
}
