// Receiving: messages are leased, each to one worker at a time. Workers of one client id that ask for the same are
// served together: one plan, one set of reads and one change of the record for all that wait, so that many workers
// are no slower than one.

import { dropSettled, type Cursor, leasable, lease, type Leased, type LeaseOrder } from './cursor';
import { Gatherer, type GatherRequest, maxAnswerBytes } from './gather';
import type { CursorStore, LoadedCursor, MessageLog, StoredMessage } from './message-log';
import { contended, cursorName, maxPlans, type SearchRequest, tooManyPositions } from './reader';

export interface ReceiveRequest extends Omit<SearchRequest, 'amount'> {
  /** 1–500. */
  readonly max: number;
  readonly leaseMs: number;
  /** Of the client id. */
  readonly maxDeliveries: number;
  /** Topics of which a message was heard to arrive since the last read. */
  readonly arrived?: ReadonlySet<string>;
}

export type LeasedMessage = Leased & { readonly message: StoredMessage };

export interface Received {
  /** Oldest first. */
  readonly messages: readonly LeasedMessage[];
  /** Revision of the record on which this was decided; 0 while there is none. */
  readonly revision: number;
  /** Until a lease or a delay ends, after which there may be more; Infinity for none. Unit: ms. */
  readonly freeInMs: number;
}

/** Told when messages became dead letters because their last lease has ended. */
export type Buried = (request: ReceiveRequest, seqs: readonly number[]) => void;

/** Messages leased by one change of the record at most: what many workers share of one set of reads. */
const maxTogether = 2_000;
/** Messages that one plan reads at most. */
const maxAhead = 20_000;

interface Waiting {
  readonly request: ReceiveRequest;
  readonly resolve: (received: Received) => void;
  readonly reject: (error: unknown) => void;
}

/** What one plan has leased. */
interface Step {
  /** For each order what it got. */
  readonly orders: readonly (readonly Leased[])[];
  /** Messages, of all orders together. */
  readonly taken: number;
  /** New messages that the pending ceiling leaves. */
  readonly leftAtCeiling: number;
  readonly bySeq: ReadonlyMap<number, StoredMessage>;
  readonly isCut: boolean;
  readonly revision: number;
  readonly freeInMs: number;
}

interface Served {
  /** In the order of the requests. */
  readonly served: readonly Received[];
  /** Whether there may be more for those who got nothing. */
  readonly isShort: boolean;
}

/** Workers of one cursor and filter inside this instance. */
interface Lane {
  waiting: Waiting[];
}

export class Receiver {
  readonly #lanes = new Map<string, Lane>();
  readonly #gatherer: Gatherer;

  constructor(
    messageLog: MessageLog,
    private readonly cursors: CursorStore,
    /** For how long a position is worth remembering: longest class and margin. Unit: ms. */
    private readonly memoryMs: () => number,
    private readonly buried: Buried,
  ) {
    this.#gatherer = new Gatherer(messageLog);
  }

  /**
   * Leases messages that nobody holds, oldest first; none when there are none now.
   * @throws BrokerError `invalid-parameters` for a filter that is too wide, `cursor-contended`, `message-store-…`
   */
  receive(request: ReceiveRequest): Promise<Received> {
    const key = laneKey(request);
    return new Promise((resolve, reject) => {
      const existing = this.#lanes.get(key);
      const lane = existing ?? { waiting: [] };
      lane.waiting.push({ request, resolve, reject });
      if (existing) return;
      this.#lanes.set(key, lane);
      void this.#run(key, lane);
    });
  }

  async #run(key: string, lane: Lane): Promise<void> {
    while (lane.waiting.length) {
      const asking = lane.waiting;
      lane.waiting = [];
      const group = nextGroup(asking);
      try {
        const { served, isShort } = await this.#serve(group.map(({ request }) => request));
        const last = served.at(-1);
        // Where nothing was left for the last one, nothing is there for those behind it, who asked before the read;
        // unless others took some of what was read, or its bytes cut it: then there may be more behind it.
        const isEmpty = !last?.messages.length && !isShort;
        const again = asking.filter(({ resolve }, index) => {
          const received = served[index] ?? (isEmpty ? last : undefined);
          if (!received || (isShort && !received.messages.length)) return true;
          resolve(received);
          return false;
        });
        lane.waiting = [...again, ...lane.waiting];
      } catch (error) {
        for (const { reject } of group) reject(error);
        lane.waiting = [...asking.slice(group.length), ...lane.waiting];
      }
    }
    this.#lanes.delete(key);
  }

  /** What each of these requests, which differ in amount, lease and what they heard only, gets. */
  async #serve(requests: readonly ReceiveRequest[]): Promise<Served> {
    const [request] = requests;
    if (!request) return { served: [], isShort: false };
    const name = cursorName(request);
    const orders: readonly LeaseOrder[] = requests.map(({ max, leaseMs }) => ({ amount: max, leaseMs }));
    const amount = orders.reduce((sum, order) => sum + order.amount, 0);
    const arrived = new Set(requests.flatMap((each) => [...(each.arrived ?? [])]));
    if (arrived.size) {
      // Who has heard of a message finds it, as a rule, and the record as it left it: two calls in place of four.
      const known = await this.cursors.known(name);
      const step = known && (await this.#lease({ ...request, arrived }, orders, amount, known, 'only on it'));
      if (step?.taken) return servedBy(step, amount);
    }
    for (let plan = 1; plan <= maxPlans; plan++) {
      // Instances that want the same messages: whoever comes too late reads further ahead each time, past the others.
      const ahead = Math.min(amount * plan, maxAhead);
      const loaded = await this.cursors.load(name);
      const step = await this.#lease({ ...request, arrived }, orders, ahead, loaded);
      if (!step) continue;
      // Others were faster with everything that was found: what lies behind it was not looked at yet.
      if (step.taken === 0 && isOutrun(step, amount) && plan < maxPlans) continue;
      return servedBy(step, amount);
    }
    throw contended();
  }

  /**
   * One plan; undefined when the record has changed meanwhile in a way that the reads do not fit, or has changed at all
   * where it is to be leased only on the one that is given.
   */
  async #lease(
    request: ReceiveRequest,
    orders: readonly LeaseOrder[],
    amount: number,
    loaded: LoadedCursor,
    onlyOnIt?: 'only on it',
  ): Promise<Step | undefined> {
    const name = cursorName(request);
    const { revision, nowMs } = loaded;
    const cursor = dropSettled(loaded.cursor, nowMs);
    const { maxDeliveries } = request;
    const gather: GatherRequest = { ...request, amount };
    const gathered = await this.#gatherer.gather(gather, cursor, nowMs, leasable(nowMs, maxDeliveries));
    const facts = {
      ...gathered,
      orders,
      maxDeliveries,
      maxBytes: maxAnswerBytes,
      fromMs: request.from?.fromMs ?? -Infinity,
      memoryMs: this.memoryMs(),
    };
    const change = (current: Cursor, now: number): ReturnType<typeof lease> =>
      onlyOnIt && current !== loaded.cursor
        ? { cursor: current, outcome: { kind: 'stale' } }
        : lease(current, facts, now);
    const outcome = await this.cursors.update(name, change, revision);
    if (outcome.kind === 'too-many-positions') throw tooManyPositions();
    if (outcome.kind === 'stale') return undefined;
    if (outcome.buried.length)
      this.buried(
        request,
        outcome.buried.map(({ seq }) => seq),
      );
    return {
      orders: outcome.orders,
      taken: outcome.orders.reduce((sum, share) => sum + share.length, 0),
      leftAtCeiling: outcome.leftAtCeiling,
      bySeq: gathered.bySeq,
      isCut: gathered.isCut,
      revision,
      freeInMs: freeAt(cursor, nowMs) - nowMs,
    };
  }
}

/** Whether others have some of what was found, although it was asked for. */
function isOutrun({ taken, bySeq, leftAtCeiling }: Step, amount: number): boolean {
  return taken < Math.min(amount, bySeq.size - leftAtCeiling);
}

function servedBy(step: Step, amount: number): Served {
  const { orders, taken, bySeq, isCut, revision, freeInMs } = step;
  const served = orders.map((share) => ({
    messages: share.flatMap((one) => {
      const message = bySeq.get(one.seq);
      return message ? [{ ...one, message }] : [];
    }),
    revision,
    freeInMs,
  }));
  return { served, isShort: taken > 0 && taken < amount && (isOutrun(step, amount) || isCut) };
}

/** Requests from the front that one change can serve; always one. */
function nextGroup(waiting: readonly Waiting[]): readonly Waiting[] {
  let amount = 0;
  const end = waiting.findIndex(({ request }) => (amount += request.max) > maxTogether);
  return end === -1 ? waiting : waiting.slice(0, Math.max(1, end));
}

function laneKey({ mailbox, clientId, from, filter, maxDeliveries }: ReceiveRequest): string {
  const { kind, identifier } = mailbox;
  return JSON.stringify([kind, identifier, clientId, from?.canonical, filter, maxDeliveries]);
}

function freeAt(cursor: Cursor, nowMs: number): number {
  return cursor.pending.chunks.reduce((least, { entries, earliestFreeMs }) => {
    if (earliestFreeMs > nowMs) return Math.min(least, earliestFreeMs);
    return entries.reduce(
      (so, { dead, leaseUntilMs }) => (!dead && leaseUntilMs > nowMs ? Math.min(so, leaseUntilMs) : so),
      least,
    );
  }, Infinity);
}
