// Composition root: the only place that sees adapters and capabilities together. Nothing here connects to
// anything; each adapter opens its connection at the first use.

import { join } from 'node:path';
import { BlobConnection } from '../shared/adapters/blob/blob-connection';
import { BlobFileContents } from '../shared/adapters/blob/blob-file-contents';
import { BlobFileRecords } from '../shared/adapters/blob/blob-file-records';
import { BlobPayloadStore } from '../shared/adapters/blob/blob-payload-store';
import { Containers } from '../shared/adapters/blob/containers';
import { SasSigner } from '../shared/adapters/blob/sas-signer';
import { recoverSigner } from '../shared/adapters/ethereum/recover-signer';
import { FileRoleSource } from '../shared/adapters/file-system/file-role-source';
import { JoseAccessTokenIssuer, JoseAccessTokenVerifier } from '../shared/adapters/jose/access-tokens';
import { JetStreamAnonymousKeys } from '../shared/adapters/nats/anonymous-keys';
import { BucketScan } from '../shared/adapters/nats/bucket-scan';
import { JetStreamChannelStore } from '../shared/adapters/nats/channel-store';
import { JetStreamClientRegistry } from '../shared/adapters/nats/client-registry';
import { DirectGet } from '../shared/adapters/nats/direct-get';
import { JetStream } from '../shared/adapters/nats/jetstream';
import { JetStreamCursorStore } from '../shared/adapters/nats/jetstream-cursor-store';
import { JetStreamMessageLog } from '../shared/adapters/nats/jetstream-message-log';
import { JetStreamKeyCursorStore } from '../shared/adapters/nats/key-cursor-store';
import { JetStreamMailboxRemoval } from '../shared/adapters/nats/mailbox-removal';
import { anonymousKeyBucket, channelBucket, participantBucket } from '../shared/adapters/nats/names';
import { NatsHealth } from '../shared/adapters/nats/nats-health';
import { JetStreamParticipantDirectory } from '../shared/adapters/nats/participant-store';
import { JetStreamRoleIndex } from '../shared/adapters/nats/role-index';
import { ServerClock } from '../shared/adapters/nats/server-clock';
import { JetStreamSessionStore } from '../shared/adapters/nats/session-store';
import { StoreLayout } from '../shared/adapters/nats/store-layout';
import { storedBytes } from '../shared/adapters/nats/store-size';
import { CompiledSchemaValidator, SchemaThreads } from '../shared/adapters/schema';
import { sqlBackend, SqlTopicStore } from '../shared/adapters/sql';
import { ChannelAdministration } from '../shared/channels';
import { type Clock, systemClock } from '../shared/clock';
import type { Settings } from '../shared/config/settings';
import {
  ContentValidation,
  DirectFiles,
  DownloadSlots,
  FileCompletion,
  FileSweep,
  LegacyFiles,
  PublishedFiles,
} from '../shared/files';
import type { HandlerDependencies } from '../shared/http/handler';
import type { Route } from '../shared/http/route';
import {
  compileRolePattern,
  createAuthenticator,
  Login,
  mayAdministerTopicsOf,
  noRoles,
  Sessions,
} from '../shared/identity';
import type { Log } from '../shared/log';
import { JetStreamExpiryCursors } from '../shared/adapters/nats/jetstream-expiry-cursors';
import { listExpiryQueues } from '../shared/adapters/nats/jetstream-expiry-queues';
import { JetStreamTopicReadModel } from '../shared/adapters/nats/jetstream-topic-read-model';
import { JetStreamReceiptLog } from '../shared/adapters/nats/jetstream-receipt-log';
import { expireMessages, RetentionPolicy, type RetentionStep } from '../shared/retention';
import { receiptRoutes } from './receipts';
import { retentionTimer, type Timer } from './retention';
import {
  AnonymousMailboxes,
  ClaimChecks,
  ClientIds,
  Delivery,
  forgetIdleClients,
  KeyMessages,
  MailboxReader,
  MessageIds,
  type MessageLog,
  Publisher,
  Receipts,
  tellExpired,
} from '../shared/messages';
import { createHealth } from '../shared/operations/health';
import {
  createCatalogSource,
  reconcileTopics,
  TopicAdministration,
  TopicAnnouncer,
  TopicCatalog,
} from '../shared/topics';
import { channelRoutes } from './channels';
import { clientRoutes } from './clients';
import { fileRoutes } from './files';
import { legacyFileRoutes } from './legacy-files';
import { identityRoutes } from './identity';
import { keyRoutes } from './keys';
import { messageRoutes } from './messages';
import { operationsRoutes } from './operations';
import { roleRoutes } from './roles';
import { topicRoutes } from './topics';

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
    new JetStreamAnonymousKeys(store.layout.bucket(anonymousKeyBucket)),
    mailboxRemoval,
  );
  const clients = new JetStreamClientRegistry({ ...store, clock });
  const delivery = new Delivery({
    participants: identity.participants,
    admission: channelStore,
    anonymousMailboxes,
    messageLog: store.messageLog,
    messageIds,
    log,
  });

  const containers = new Containers(blob);
  const claimChecks = new ClaimChecks({ store: new BlobPayloadStore(containers), clock, log });
  const files = filesOf(settings, {
    blob,
    containers,
    topics,
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
    ...roleRoutes({
      participants: identity.participants,
      roles: roleIndex(settings, store, clock),
    }),
    ...channelRoutes({
      participants: identity.participants,
      channels: new ChannelAdministration(channelStore),
      anonymousMailboxes,
      clock,
    }),
    ...topicRoutes({ administration: topics.administration, clock }),
    ...messageRoutes({
      publisher: new Publisher({
        catalog: topics.catalog,
        validator: topics.validator,
        delivery,
        maxBodyBytes: store.messageLog.maxBodyBytes,
        retention: new RetentionPolicy(settings.retention.classes, settings.retention.defaultClass),
        files: files.directFiles,
        claimChecks,
        fanOutBytes: settings.files.fanOutBytes,
      }),
      reader: new MailboxReader(store.messageLog, store.cursors, () => store.layout.longestMemoryMs),
      messageLog: store.messageLog,
      messageIds,
      claimChecks,
      catalog: topics.catalog,
      anonymousMailboxes,
      clients,
    }),
    ...clientRoutes({ clientIds: new ClientIds(clients, mailboxRemoval, anonymousMailboxes), clock }),
    ...keyRoutes({
      keyMessages: new KeyMessages({
        participants: identity.participants,
        admission: channelStore,
        messageLog: store.messageLog,
        messageIds,
        keyCursors: new JetStreamKeyCursorStore(store.layout),
        retentionClass: store.longestClass.name,
        now: store.now,
      }),
    }),
    ...receiptRoutes({ receipts: store.receipts(messageIds, anonymousMailboxes) }),
    ...fileRoutes({ directFiles: files.directFiles, clock }),
    ...legacyFileRoutes({ legacyFiles: files.legacyFiles }),
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
    handling: { authenticate: identity.authenticate, log, clock },
    close: async () => {
      await Promise.all([store.jetStream.close(), topics.store.close(), schemaThreads.close()]);
    },
  };
}

function messageStore({ nats, retention }: Settings, log: Log, clock: Clock) {
  const jetStream = new JetStream({
    servers: nats.servers,
    credentials: nats.credentials,
    caPem: nats.caPem,
    log,
  });
  const layout = new StoreLayout(jetStream, {
    shardCount: nats.shardCount,
    replicas: nats.replicas,
    duplicateWindowSeconds: nats.duplicateWindowSeconds,
    retentionClasses: retention.classes.map(({ name }) => name),
    log,
  });
  const directGet = new DirectGet(jetStream.connections);
  const messageLog = new JetStreamMessageLog({
    jetStream,
    directGet,
    layout,
    duplicateWindowSeconds: nats.duplicateWindowSeconds,
  });
  const serverClock = new ServerClock(jetStream, clock);
  const now = () => serverClock.now();
  const cursors = new JetStreamCursorStore(layout, serverClock);
  const longestClass = retention.classes.at(-1) ?? retention.defaultClass;
  const receiptLog = new JetStreamReceiptLog(jetStream, directGet, layout, longestClass.name);
  const queues = () => listExpiryQueues({ jetStream, directGet, layout, replicas: nats.replicas });
  return {
    jetStream,
    directGet,
    layout,
    messageLog,
    cursors,
    now,
    longestClass,
    receipts: (messageIds: MessageIds, anonymousMailboxes: AnonymousMailboxes) =>
      new Receipts({ receiptLog, messageLog, messageIds, anonymousMailboxes, now }),
    expireMessages: (messageIds: MessageIds) => (isOutOfTime: () => boolean) =>
      expireMessages(
        {
          queues,
          cursors: new JetStreamExpiryCursors(jetStream, cursors),
          tellSender: (message) => tellExpired(receiptLog, messageIds, message),
          forgetClass: (name) => layout.forgetClass(name),
          now,
        },
        isOutOfTime,
      ),
  };
}

function topicStore(
  { topicStore: chosen, identity, retention }: Settings,
  layout: StoreLayout,
  schemaThreads: SchemaThreads,
  log: Log,
  clock: Clock,
) {
  const store = new SqlTopicStore(sqlBackend(chosen), clock);
  const model = new JetStreamTopicReadModel(layout.bucket('topics'));
  const catalog = new TopicCatalog(createCatalogSource({ model, store }), { clock });
  const validator = new CompiledSchemaValidator(schemaThreads);
  const isCreatorRole = compileRolePattern(identity.topicCreatorRolePattern);
  const administration = new TopicAdministration({
    store,
    announcer: new TopicAnnouncer(model, catalog, log),
    validator,
    retentionClasses: retention.classes.map(({ name }) => name),
    clock,
    mayAdministerTopicsOf: (owner, roles) => mayAdministerTopicsOf(owner, roles, isCreatorRole),
  });
  const reconcile: RetentionStep = {
    name: 'reconcile topics',
    share: 0.3,
    run: (isOutOfTime) => reconcileTopics({ model, store }, clock(), isOutOfTime),
  };
  return { store, catalog, validator, administration, reconcile };
}

interface FileBackends {
  readonly blob: BlobConnection;
  readonly containers: Containers;
  readonly topics: ReturnType<typeof topicStore>;
  readonly delivery: Delivery;
  readonly messageLog: MessageLog;
  readonly messageIds: MessageIds;
  readonly clock: Clock;
  readonly log: Log;
}

function filesOf(
  { files, retention }: Settings,
  { blob, containers, topics, clock, log, ...sending }: FileBackends,
) {
  const shared = {
    records: new BlobFileRecords(containers),
    contents: new BlobFileContents(containers, new SasSigner(blob, clock)),
    catalog: topics.catalog,
    validation: new ContentValidation({
      payloads: topics.validator,
      contents: topics.validator,
      maxWholeBytes: files.maxValidatedBytes,
    }),
    clock,
  };
  const completion = new FileCompletion({
    ...shared,
    delivery: sending.delivery,
    published: new PublishedFiles(sending.messageLog, sending.messageIds),
    retention: retention.defaultClass,
    maxDigestBytes: files.maxDigestBytes,
  });
  const directFiles = new DirectFiles({ ...shared, ...files, completion });
  const legacyFiles = new LegacyFiles({
    ...shared,
    completion,
    directFiles,
    downloadSlots: new DownloadSlots(files.concurrentDownloads),
    messageLifeMs: retention.defaultClass.spanMs,
    log,
  });
  return { directFiles, legacyFiles, sweep: new FileSweep(shared) };
}

/** Many participants are read at once to find those with a role. */
const participantOptions = { allowDirect: true };

function roleIndex(
  { identity }: Settings,
  { jetStream, directGet, layout }: ReturnType<typeof messageStore>,
  clock: Clock,
): JetStreamRoleIndex {
  const provision = layout.provision(participantBucket, participantOptions);
  return new JetStreamRoleIndex(new BucketScan(jetStream, directGet, participantBucket, provision), {
    // Contacts are noted in steps of a tenth.
    countsForMs: identity.refreshTokenSeconds * 1_100,
    clock,
  });
}

function identityOf({ identity }: Settings, layout: StoreLayout, log: Log, clock: Clock) {
  const issuer = {
    keys: identity.signingKeys,
    issuer: identity.issuer,
    audience: identity.audience,
    accessTokenSeconds: identity.accessTokenSeconds,
  };
  const accessTokens = new JoseAccessTokenIssuer(issuer);
  const refreshMs = identity.refreshTokenSeconds * 1_000;
  const graceMs = identity.refreshGraceSeconds * 1_000;
  const participants = new JetStreamParticipantDirectory(
    layout.bucket(participantBucket, participantOptions),
    {
      renewAfterMs: refreshMs / 10,
      clock,
    },
  );
  const sessions = new Sessions({
    store: new JetStreamSessionStore(layout.bucket('sessions', { ttlMs: refreshMs + graceMs })),
    policy: { lifeMs: refreshMs, graceMs },
    clock,
    log,
  });
  const login = new Login({
    recoverSigner,
    identityTokens: {
      maxAgeSeconds: identity.identityTokenMaxAgeSeconds,
      clockToleranceSeconds: identity.clockToleranceSeconds,
    },
    roleSource: identity.rolesFile === undefined ? noRoles : new FileRoleSource(identity.rolesFile, log),
    participants,
    sessions,
    accessTokens,
    clock,
  });
  const authenticate = createAuthenticator({
    verifier: new JoseAccessTokenVerifier(issuer, identity.trustedIssuers),
    userRolePattern: identity.userRolePattern,
    clock,
  });
  return { login, accessTokens, participants, authenticate, accessTokenSeconds: identity.accessTokenSeconds };
}
