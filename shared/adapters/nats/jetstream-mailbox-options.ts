// Options of mailboxes in the `participants` bucket, under keys of their own, so that those who have opted in to
// something are one short filter however many participants there are. Whether anything has changed is asked once for all
// recipients every 1.5 s, hence a look into memory is all that an acknowledgement costs.

import { BrokerError } from '../../broker-error';
import type { MailboxOptions, MailboxOptionsStore } from '../../messages/mailbox-options';
import type { BucketScan } from './bucket-scan';
import type { KeyValueBucket } from './key-value';
import { mailboxOptionsKey, mailboxOptionsKeys } from './names';

interface OptionsRecord extends MailboxOptions {
  readonly did: string;
}

/** A change counts on every instance after this and one reading, hence within 2 s. Unit: ms. */
const checkEveryMs = 1_500;

export class JetStreamMailboxOptions implements MailboxOptionsStore {
  /** DIDs that have opted in to read receipts. */
  readonly #telling = new Set<string>();
  #revision = 0;
  #checkedAt = -Infinity;
  #checking: Promise<void> | undefined;

  /** @param scan over the same bucket */
  constructor(
    private readonly bucket: KeyValueBucket,
    private readonly scan: BucketScan,
  ) {}

  async read(did: string): Promise<MailboxOptions> {
    const entry = await this.bucket.get(mailboxOptionsKey(did));
    return { readReceipts: entry ? parse(entry.value).readReceipts : false };
  }

  async replace(did: string, { readReceipts }: MailboxOptions): Promise<void> {
    const record: OptionsRecord = { did, readReceipts };
    // The last one counts: there is one option, and one participant that sets it.
    await this.bucket.put(mailboxOptionsKey(did), Buffer.from(JSON.stringify(record)));
    this.#checkedAt = -Infinity;
  }

  tellsSenders(did: string): boolean | Promise<boolean> {
    if (performance.now() - this.#checkedAt < checkEveryMs) return this.#telling.has(did);
    this.#checking ??= this.#check().finally(() => (this.#checking = undefined));
    return this.#checking.then(() => this.#telling.has(did));
  }

  async #check(): Promise<void> {
    const askedAt = performance.now();
    let scan = await this.scan.after(mailboxOptionsKeys, this.#revision);
    if (scan.revision < this.#revision) {
      // Options are never removed: the bucket was lost and made again.
      this.#telling.clear();
      scan = await this.scan.after(mailboxOptionsKeys, 0);
    }
    for (const { value } of scan.entries) {
      const { did, readReceipts } = parse(value);
      if (readReceipts) this.#telling.add(did);
      else this.#telling.delete(did);
    }
    this.#revision = scan.revision;
    this.#checkedAt = askedAt;
  }
}

function parse(value: Uint8Array): OptionsRecord {
  const record = JSON.parse(Buffer.from(value).toString()) as Partial<OptionsRecord>;
  if (typeof record.did !== 'string' || typeof record.readReceipts !== 'boolean') {
    throw new BrokerError(
      'message-store-unavailable',
      'The options of a mailbox cannot be read by this broker.',
    );
  }
  return { did: record.did, readReceipts: record.readReceipts };
}
