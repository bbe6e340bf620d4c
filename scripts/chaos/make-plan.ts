// Makes a plan from a seed: publishers, searchers, workers and the timer, each with random numbers of its own, and the
// faults between.

import { Random } from '../fuzz/random';
import type {
  Actor,
  CursorOf,
  Fault,
  FaultKind,
  InstanceIndex,
  Plan,
  Publication,
  PublishStep,
  ReceiveStep,
  SearchStep,
  Settlement,
  StoreKind,
  TimerStep,
} from './plan';

const senders = 3;
const recipients = 3;
const topics = 3;
const actorKinds = { publisher: 1, searcher: 2, worker: 3, timer: 4, fault: 5 } as const;

/** Payloads of this many bytes are kept in Blob. */
const claimedBytes = 2_200_000;
const leaseSeconds = 10;

const settlements: readonly Settlement[] = [
  ...Array.from({ length: 12 }, () => 'acknowledge' as const),
  ...(['release', 'release', 'renew', 'renew', 'reject', 'abandon', 'abandon'] as const),
];

/** Every fourth seed is played on a cluster. */
export const storeOf = (seed: number): StoreKind => (seed % 4 === 0 ? 'cluster' : 'server');

/** @param seconds for how long actors act and faults strike */
export function makePlan(seed: number, seconds: number): Plan {
  const store = storeOf(seed);
  const randomOf = (kind: keyof typeof actorKinds, index: number): Random =>
    new Random((seed * 1_000_003 + actorKinds[kind] * 10_007 + index * 101) >>> 0);
  const publications: Publication[] = [];
  const publishers = Array.from({ length: senders }, (_none, sender): Actor => {
    const random = randomOf('publisher', sender);
    const steps = stepsOf(random, seconds, [20, 160], (pauseMs): PublishStep => {
      const publication = publicationOf(random, sender, publications.length);
      publications.push(publication);
      return { kind: 'publish', pauseMs, instance: instanceOf(random), publication: publication.number };
    });
    return { name: `publisher ${sender}`, steps };
  });
  const readers = Array.from({ length: recipients }, (_none, recipient) =>
    readersOf(recipient, (kind, index) => randomOf(kind, recipient * 10 + index), seconds),
  ).flat();
  const timer = randomOf('timer', 0);
  return {
    ...{ seed, store, seconds, senders, recipients, topics, publications },
    actors: [
      ...publishers,
      ...readers,
      {
        name: 'timer',
        steps: stepsOf(timer, seconds, [600, 1_400], (pauseMs): TimerStep => ({
          ...{ kind: 'timer', pauseMs, instance: instanceOf(timer) },
        })),
      },
    ],
    faults: faultsOf(randomOf('fault', 0), store, seconds),
  };
}

/** Steps until the time is up, were each carried out at once. */
function stepsOf<S>(
  random: Random,
  seconds: number,
  [least, most]: readonly [number, number],
  make: (pauseMs: number) => S,
): readonly S[] {
  const steps: S[] = [];
  for (let atMs = 0; ;) {
    const pauseMs = least + random.below(most - least);
    atMs += pauseMs;
    if (atMs >= seconds * 1_000) return steps;
    steps.push(make(pauseMs));
  }
}

function publicationOf(random: Random, sender: number, number: number): Publication {
  const all = Array.from({ length: recipients }, (_none, index) => index);
  const chosen = all.filter(() => random.chance(0.6));
  const repetition = random.pick(['never', 'transaction', 'transaction', 'idempotency-key'] as const);
  return {
    number,
    clientGatewayMessageId: random.uuid(),
    sender,
    recipients: chosen.length ? chosen : [random.below(recipients)],
    topic: random.below(topics),
    bytes: random.chance(0.01) ? claimedBytes : random.chance(0.1) ? 20_000 : 10 + random.below(500),
    ...(random.chance(0.25) ? { ttlSeconds: 1 + random.below(2) } : {}),
    repetition,
    tries: repetition === 'never' ? 1 : 2 + random.below(3),
  };
}

/** Two who search, two who hold leases, and one of each together on one cursor. */
function readersOf(
  recipient: number,
  randomOf: (kind: 'searcher' | 'worker', index: number) => Random,
  seconds: number,
): readonly Actor[] {
  const searcher = (index: number, cursor: CursorOf): Actor => {
    const random = randomOf('searcher', index);
    const steps = stepsOf(random, seconds, [30, 300], (pauseMs) => searchOf(random, pauseMs));
    return { name: `searcher ${recipient}.${index}`, cursor, steps };
  };
  const worker = (index: number, cursor: CursorOf): Actor => {
    const random = randomOf('worker', index);
    const steps = stepsOf(random, seconds, [20, 250], (pauseMs) => receiveOf(random, pauseMs));
    return { name: `worker ${recipient}.${index}`, cursor, steps };
  };
  const cursorOf = (clientId: string, isDated = false): CursorOf => ({ recipient, clientId, isDated });
  return [
    searcher(0, cursorOf('searching')),
    searcher(1, cursorOf('searching')),
    searcher(2, cursorOf('searching', true)),
    worker(0, cursorOf('leasing')),
    worker(1, cursorOf('leasing')),
    searcher(3, cursorOf('both')),
    worker(2, cursorOf('both')),
  ];
}

function searchOf(random: Random, pauseMs: number): SearchStep {
  return {
    ...{ kind: 'search', pauseMs, instance: instanceOf(random) },
    amount: random.pick([1, 5, 30, 100]),
    ...(random.chance(0.3) ? { topics: someOf(random, topics) } : {}),
    ...(random.chance(0.3) ? { senders: someOf(random, senders) } : {}),
    acknowledgedShare: random.pick([0, 0.3, 0.7, 1]),
  };
}

function receiveOf(random: Random, pauseMs: number): ReceiveStep {
  return {
    ...{ kind: 'receive', pauseMs, instance: instanceOf(random) },
    max: random.pick([1, 3, 10, 30]),
    waitSeconds: random.pick([0, 0, 1]),
    leaseSeconds,
    workMs: random.below(150),
    settlements: Array.from({ length: 7 }, () => random.pick(settlements)),
  };
}

function someOf(random: Random, count: number): readonly number[] {
  const first = random.below(count);
  return random.chance(0.5) ? [first] : [first, (first + 1) % count];
}

const instanceOf = (random: Random): InstanceIndex => (random.chance(0.5) ? 0 : 1);

/** What strikes one kind of target; the longest it lasts in ms. */
const faultKinds: Readonly<
  Record<StoreKind, readonly (readonly [target: string, kind: FaultKind, maxMs: number])[]>
> = {
  server: [
    ['node', 'node-killed', 800],
    ['node', 'node-frozen', 2_000],
    ['instance', 'instance-killed', 300],
    ['instance', 'instance-frozen', 2_500],
    ['network', 'network-slow', 1_500],
    ['network', 'network-reset', 1],
    ['network', 'network-half-open', 1_500],
    ['network', 'network-cut', 2_000],
    ['network', 'network-refused', 1_500],
    ['network', 'answers-lost', 500],
    ['blob', 'blob-slow', 1_000],
    ['blob', 'blob-refused', 1_000],
    ['blob', 'blob-cut', 1_000],
  ],
  cluster: [
    ['node', 'leader-killed', 6_000],
    ['node', 'leader-killed', 6_000],
    ['node', 'node-killed', 5_000],
    ['node', 'node-frozen', 6_000],
    ['node', 'node-isolated', 6_000],
    ['node', 'node-isolated', 6_000],
    ['instance', 'instance-killed', 300],
    ['instance', 'instance-frozen', 2_500],
    ['network', 'network-slow', 1_500],
    ['network', 'network-reset', 1],
    ['network', 'network-half-open', 1_500],
    ['network', 'answers-lost', 500],
  ],
};

/** One after the other for each kind of target, the first one soon: short runs have faults too. */
function faultsOf(random: Random, store: StoreKind, seconds: number): readonly Fault[] {
  const kinds = faultKinds[store];
  const targets = [...new Set(kinds.map(([target]) => target))].filter(
    (target) => target === 'node' || random.chance(0.6),
  );
  const faults = targets.flatMap((target) => {
    const own = kinds.filter(([of]) => of === target);
    const struck: Fault[] = [];
    for (let atMs = 300 + random.below(1_500); atMs < seconds * 1_000;) {
      const [, kind, maxMs] = random.pick(own);
      const forMs = Math.ceil(maxMs * (0.2 + random.below(80) / 100));
      const count = store === 'cluster' && target === 'node' ? 3 : 2;
      struck.push({ kind, atMs, forMs, target: random.below(target === 'blob' ? 1 : count) });
      // Three nodes take about so long to be whole again, which is waited for before the next one fails.
      atMs += forMs + (target === 'node' && store === 'cluster' ? 4_000 : 800) + random.below(4_000);
    }
    return struck;
  });
  return faults.sort((one, other) => one.atMs - other.atMs);
}
