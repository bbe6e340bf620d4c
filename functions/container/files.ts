// Files in Blob: direct and legacy ones, and what removes them.

import { BlobFileContents } from '../../shared/adapters/blob/blob-file-contents';
import { BlobFileRecords } from '../../shared/adapters/blob/blob-file-records';
import type { Containers } from '../../shared/adapters/blob/containers';
import type { SasSigner } from '../../shared/adapters/blob/sas-signer';
import type { Clock } from '../../shared/clock';
import type { Settings } from '../../shared/config/settings';
import {
  ContentValidation,
  DirectFiles,
  FileCompletion,
  FileSweep,
  LegacyFiles,
  PublishedFiles,
  transferTurns,
} from '../../shared/files';
import type { Log } from '../../shared/log';
import type { RetentionPolicy } from '../../shared/retention';
import { Room } from '../../shared/room';
import type { Delivery, MessageIds, MessageLog } from '../../shared/messages';
import type { TopicParts } from './topics';

interface FileBackends {
  readonly signer: SasSigner;
  readonly containers: Containers;
  readonly topics: TopicParts;
  readonly retention: RetentionPolicy;
  readonly delivery: Delivery;
  readonly messageLog: MessageLog;
  readonly messageIds: MessageIds;
  readonly clock: Clock;
  readonly log: Log;
}

export function filesOf(
  { files, limits }: Settings,
  { signer, containers, topics, retention, clock, log, ...sending }: FileBackends,
) {
  const shared = {
    records: new BlobFileRecords(containers),
    contents: new BlobFileContents(containers, signer),
    catalog: topics.catalog,
    validation: new ContentValidation({
      payloads: topics.validator,
      contents: topics.validator,
      maxWholeBytes: files.maxValidatedBytes,
    }),
    retention,
    clock,
  };
  const completion = new FileCompletion({
    ...shared,
    delivery: sending.delivery,
    published: new PublishedFiles(sending.messageLog, sending.messageIds),
    maxDigestBytes: files.maxDigestBytes,
  });
  const slotRoom = new Room({
    max: limits.uploadSlotsPerParticipant,
    what: 'open upload slots',
    count: (did) => shared.records.countOpen(did, limits.uploadSlotsPerParticipant),
  });
  const directFiles = new DirectFiles({ ...shared, ...files, completion, slotRoom });
  const legacyFiles = new LegacyFiles({
    ...shared,
    completion,
    directFiles,
    uploads: transferTurns('uploads', files.concurrentUploads),
    downloads: transferTurns('downloads', files.concurrentDownloads),
    log,
  });
  return { directFiles, legacyFiles, sweep: new FileSweep(shared) };
}
