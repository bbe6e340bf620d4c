// Composition root: the only place that sees adapters and capabilities together. Nothing here connects to
// anything; each adapter opens its connection at the first use.

import { join } from 'node:path';
import { BlobConnection } from '../shared/adapters/blob/blob-connection';
import { BlobPayloadLinks } from '../shared/adapters/blob/blob-payload-links';
import { BlobPayloadStore } from '../shared/adapters/blob/blob-payload-store';
import { Containers } from '../shared/adapters/blob/containers';
import { SasSigner } from '../shared/adapters/blob/sas-signer';
import { JetStreamAnonymousKeys } from '../shared/adapters/nats/anonymous-keys';
import { JetStreamChannelStore } from '../shared/adapters/nats/channel-store';
import { JetStreamClientRegistry } from '../shared/adapters/nats/client-registry';
import { JetStreamKeyCursorStore } from '../shared/adapters/nats/key-cursor-store';
import { JetStreamMailboxRemoval } from '../shared/adapters/nats/mailbox-removal';
import { anonymousKeyBucket, channelBucket } from '../shared/adapters/nats/names';
import { NatsHealth } from '../shared/adapters/nats/nats-health';
import { storedBytes } from '../shared/adapters/nats/store-size';
import { SchemaThreads } from '../shared/adapters/schema';
import { ChannelAdministration } from '../shared/channels';
import { type Clock, systemClock } from '../shared/clock';
import type { Settings } from '../shared/config/settings';
import { Admission } from '../shared/http/admission';
import { ClientConnections } from '../shared/http/client-connections';
import { BodyTurns } from '../shared/http/body-turns';
import type { HandlerDependencies } from '../shared/http/handler';
import type { Route } from '../shared/http/route';
import type { Log } from '../shared/log';
import { RetentionPolicy } from '../shared/retention';
import { receiptRoutes } from './receipts';
import { retentionTimer, type Timer } from './retention';
import {
  AnonymousMailboxes,
  ClaimChecks,
  ClientCursorAdministration,
  ClientIds,
  ClientStates,
  Delivery,
  forgetIdleClients,
  KeyMessages,
  MailboxReader,
  MessageIds,
  Publisher,
} from '../shared/messages';
import { createHealth } from '../shared/operations/health';
import { channelRoutes } from './channels';
import { clientAdministrationRoutes } from './client-administration';
import { clientRoutes } from './clients';
import { fileRoutes } from './files';
import { legacyFileRoutes } from './legacy-files';
import { identityRoutes } from './identity';
import { keyRoutes } from './keys';
import { leaseRoutes } from './leases';
import { mailboxRoutes } from './mailbox';
import { messageRoutes } from './messages';
import { operationsRoutes } from './operations';
import { roleRoutes } from './roles';
import { sendingRoutes } from './sending';
import { topicRoutes } from './topics';
import { filesOf } from './container/files';
import { leasingOf } from './container/leasing';
import { identityOf, roleIndex } from './container/identity';
import { messageStore } from './container/message-store';
import { topicStore } from './container/topics';

export interface Container {
  readonly routes: readonly Route[];
  readonly timers: readonly Timer[];
  readonly handling: HandlerDependencies;
  /** Lets running work end and closes every connection. */
  readonly close: () => Promise<void>;
}

/** @param programDirectory where the bundle and what belongs to it are, see scripts/build.mjs */
export function createContainer(
  settings: Settings,
  log: Log,
  clock: Clock = systemClock,
  programDirectory = __dirname,
): Container {
  const schemaThreads = new SchemaThreads({ program: join(programDirectory, 'schema-worker.mjs') });
  const store = messageStore(settings, log, clock);
  const topics = topicStore(settings, store.layout, schemaThreads, log, clock);
  const identity = identityOf(settings, store.layout, log, clock);
  const blob = new BlobConnection(settings.blobStore);
  const messageIds = new MessageIds(settings.messageIdKeys);
  const channelStore = new JetStreamChannelStore(store.layout.bucket(channelBucket), store.jetStream);
  const mailboxRemoval = new JetStreamMailboxRemoval(store.jetStream, store.layout);
  const anonymousMailboxes = new AnonymousMailboxes(
    new JetStreamAnonymousKeys(store.layout.bucket(anonymousKeyBucket), store.jetStream),
    mailboxRemoval,
    settings.limits.anonymousKeysPerParticipant,
  );
  const clients = new JetStreamClientRegistry({
    ...store,
    maxClientIds: settings.limits.clientIdsPerParticipant,
    clock,
  });
  const clientIds = new ClientIds(clients, mailboxRemoval, anonymousMailboxes);
  const channels = new ChannelAdministration(channelStore, settings.limits.channelsPerParticipant);
  const clientConnections = new ClientConnections();
  const readReceipts = store.readReceipts(messageIds);
  const leasing = leasingOf(settings, store, messageIds, readReceipts.tell, log);
  const roles = roleIndex(settings, store, clock);
  const delivery = new Delivery({
    participants: identity.participants,
    admission: channelStore,
    anonymousMailboxes,
    messageLog: store.messageLog,
    messageIds,
    log,
  });

  const containers = new Containers(blob);
  const signer = new SasSigner(blob, clock);
  const claimChecks = new ClaimChecks({ store: new BlobPayloadStore(containers), clock, log });
  const retentionPolicy = new RetentionPolicy(settings.retention.classes, settings.retention.defaultClass);
  const files = filesOf(settings, {
    signer,
    containers,
    topics,
    retention: retentionPolicy,
    delivery,
    messageLog: store.messageLog,
    messageIds,
    clock,
    log,
  });
  const retention = retentionTimer({
    ...settings.retention,
    steps: [
      {
        name: 'measure store',
        share: 0.1,
        run: async () => ({ storedBytes: await storedBytes(store.jetStream, store.layout.shardCount) }),
      },
      { name: 'expire messages', share: 0.8, run: store.expireMessages(messageIds) },
      topics.reconcile,
      { name: 'remove files', share: 0.2, run: (isOutOfTime) => files.sweep.run(isOutOfTime) },
      { name: 'remove payloads', share: 0.2, run: (isOutOfTime) => claimChecks.sweep(isOutOfTime) },
      forgetIdleClients(clients, () => store.layout.longestMemoryMs, store.now),
    ],
    clock,
    log,
  });

  const routes: readonly Route[] = [
    ...identityRoutes(identity),
    ...roleRoutes({ participants: identity.participants, roles }),
    ...channelRoutes({
      participants: identity.participants,
      channels,
      anonymousMailboxes,
      clock,
    }),
    ...topicRoutes({ administration: topics.administration, clock }),
    ...sendingRoutes({
      publisher: new Publisher({
        catalog: topics.catalog,
        validator: topics.validator,
        delivery,
        roles,
        maxBodyBytes: store.messageLog.maxBodyBytes,
        retention: retentionPolicy,
        files: files.directFiles,
        claimChecks,
        fanOutBytes: settings.files.fanOutBytes,
      }),
      catalog: topics.catalog,
      clock,
      log,
    }),
    ...messageRoutes({
      reader: new MailboxReader(
        store.messageLog,
        store.cursors,
        () => store.layout.longestMemoryMs,
        readReceipts.tell,
      ),
      messageLog: store.messageLog,
      messageIds,
      claimChecks,
      catalog: topics.catalog,
      anonymousMailboxes,
      clients,
    }),
    ...clientRoutes({ clientIds, clock }),
    ...clientAdministrationRoutes({
      clients,
      clientIds,
      cursors: new ClientCursorAdministration(store),
      states: new ClientStates(store.messageLog, store.messageLog, store.cursors),
      messageLog: store.messageLog,
      messageIds,
      now: store.now,
      clock,
    }),
    ...leaseRoutes({
      ...leasing,
      messageLog: store.messageLog,
      messageIds,
      claimChecks,
      payloadLinks: new BlobPayloadLinks(containers, signer),
      catalog: topics.catalog,
      channels,
      roles,
      clients,
      clientConnections,
      clock,
    }),
    ...keyRoutes({
      keyMessages: new KeyMessages({
        participants: identity.participants,
        admission: channelStore,
        messageLog: store.messageLog,
        messageIds,
        keyCursors: new JetStreamKeyCursorStore(store.layout, store.cursorRoom),
        retentionClass: store.longestClass.name,
        now: store.now,
      }),
    }),
    ...mailboxRoutes({ participants: identity.participants, mailboxOptions: store.mailboxOptions }),
    ...receiptRoutes({ receipts: store.receipts(messageIds, anonymousMailboxes) }),
    ...fileRoutes({ directFiles: files.directFiles, catalog: topics.catalog, clock }),
    ...legacyFileRoutes({
      legacyFiles: files.legacyFiles,
      catalog: topics.catalog,
      clientConnections,
      maxTransferMs: settings.limits.transferMs,
    }),
    ...operationsRoutes({
      routes: () => routes,
      health: createHealth({
        checks: [new NatsHealth(store.layout), { name: 'sql', check: () => topics.store.check() }, blob],
        log,
        clock,
      }),
      defaultRetentionMs: settings.retention.defaultClass.spanMs,
      // Beside the bundle; scripts/build.mjs puts the viewer there.
      viewerDirectory: join(programDirectory, 'viewer'),
    }),
  ];
  return {
    routes,
    timers: [retention],
    handling: {
      authenticate: identity.authenticate,
      idempotentCalls: store.idempotentCalls,
      admission: new Admission(settings.limits),
      maxBodyMs: settings.limits.bodyMs,
      bodyTurns: new BodyTurns(settings.limits.maxWaitMs),
      log,
      clock,
    },
    close: async () => {
      clientConnections.close();
      await Promise.all([store.jetStream.close(), topics.store.close(), schemaThreads.close()]);
    },
  };
}
