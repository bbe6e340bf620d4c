// What happens in a chaos run, decided before it begins: who does what after which pause, and which faults come when.
// A plan is a function of its seed alone; how its steps fall between each other is not.

/** Of the two broker instances. */
export type InstanceIndex = 0 | 1;

/** How a publisher makes sure that a message is sent once, however often it tries. */
export type Repetition =
  /** It does not try again. */
  | 'never'
  /** The broker knows a repetition by its transactionId. */
  | 'transaction'
  /** The broker gives the first answer again. */
  | 'idempotency-key';

export interface PublishStep {
  readonly kind: 'publish';
  /** Before it. Unit: ms. */
  readonly pauseMs: number;
  readonly instance: InstanceIndex;
  /** Of Plan.publications. */
  readonly publication: number;
}

export interface SearchStep {
  readonly kind: 'search';
  readonly pauseMs: number;
  readonly instance: InstanceIndex;
  readonly amount: number;
  /** Indexes of topics and senders that are wanted; absent: all. */
  readonly topics?: readonly number[];
  readonly senders?: readonly number[];
  /** Of what is found, acknowledged at once. */
  readonly acknowledgedShare: number;
}

/** What a worker does with a message that it holds. */
export type Settlement = 'acknowledge' | 'release' | 'reject' | 'renew' | 'abandon';

export interface ReceiveStep {
  readonly kind: 'receive';
  readonly pauseMs: number;
  readonly instance: InstanceIndex;
  readonly max: number;
  readonly waitSeconds: number;
  readonly leaseSeconds: number;
  /** Between receiving and settling. Unit: ms. */
  readonly workMs: number;
  /** By turns, one for each message received. */
  readonly settlements: readonly Settlement[];
}

export interface TimerStep {
  readonly kind: 'timer';
  readonly pauseMs: number;
  readonly instance: InstanceIndex;
}

export type Step = PublishStep | SearchStep | ReceiveStep | TimerStep;

/** Somebody who takes one step after the other. */
export interface Actor {
  readonly name: string;
  /** Reads and acknowledges on this cursor. */
  readonly cursor?: CursorOf;
  readonly steps: readonly Step[];
}

/** A cursor by what names it. */
export interface CursorOf {
  /** Index of the recipient. */
  readonly recipient: number;
  readonly clientId: string;
  /** It begins at the beginning of the run, by `from`. */
  readonly isDated: boolean;
}

/** One message to several recipients, sent until it is known to be sent or nobody tries any longer. */
export interface Publication {
  /** Its position in Plan.publications. */
  readonly number: number;
  /** How every delivered copy names it: a UUID. */
  readonly clientGatewayMessageId: string;
  readonly sender: number;
  readonly recipients: readonly number[];
  readonly topic: number;
  /** Length of the payload. Unit: bytes. */
  readonly bytes: number;
  /** Absent: it outlives the run. */
  readonly ttlSeconds?: number;
  readonly repetition: Repetition;
  /** Tries at most. */
  readonly tries: number;
}

export type FaultKind =
  | 'node-killed'
  | 'node-frozen'
  | 'node-isolated'
  | 'leader-killed'
  | 'instance-killed'
  | 'instance-frozen'
  | 'network-slow'
  | 'network-reset'
  | 'network-half-open'
  | 'network-cut'
  | 'network-refused'
  | 'answers-lost'
  | 'blob-slow'
  | 'blob-refused'
  | 'blob-cut';

export interface Fault {
  readonly kind: FaultKind;
  /** After the beginning. Unit: ms. */
  readonly atMs: number;
  /** Until it is mended. Unit: ms. */
  readonly forMs: number;
  /** Index of the node or instance that it strikes. */
  readonly target: number;
}

export type StoreKind = 'server' | 'cluster';

export interface Plan {
  readonly seed: number;
  readonly store: StoreKind;
  readonly seconds: number;
  readonly senders: number;
  readonly recipients: number;
  readonly topics: number;
  readonly publications: readonly Publication[];
  readonly actors: readonly Actor[];
  /** In the order in which they strike; those of one kind of target do not overlap. */
  readonly faults: readonly Fault[];
}
