// A fuzz run: participants settle, lanes send requests side by side, and at the end the victims' things and the
// process's holdings are compared. Each lane has random numbers of its own that follow from the seed; keys are new each
// time, and what the broker answers, from which lanes learn, depends on how their requests fall between each other.

import { setTimeout as delay } from 'node:timers/promises';
import { createIdentityToken } from '../../client';
import { type FuzzStack, type Holdings, startFuzzStack } from './fuzz-stack';
import { type FuzzedRequest, fuzzRequest } from './fuzzed-request';
import { type Answer, HttpClient } from './http-client';
import { type Inhabitant, newInhabitant, read, rolesOf, type Settled, settle } from './inhabitants';
import { KnownThings, kinds } from './known-things';
import { type Json, type Operation, operationsOf } from './operations';
import { Oracle } from './oracle';
import { Random } from './random';
import { changes, takeSnapshot } from './snapshot';
import { type Stranger, strangersTo } from './strangers';

export interface FuzzOptions {
  readonly requests: number;
  readonly seed: number;
  /** Of the built repository; default: the working directory. */
  readonly root?: string;
  readonly progress?: (text: string) => void;
}

export interface FuzzFault {
  readonly what: string;
  /** How to send it again; absent where it is not about one request. */
  readonly request?: string;
}

export interface FuzzVerdict {
  readonly requests: number;
  readonly seed: number;
  readonly operations: number;
  /** Answers by status; 0: none. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Operations that were answered with 2xx at least once. */
  readonly succeeded: ReadonlySet<string>;
  readonly faults: readonly FuzzFault[];
  readonly before: Holdings;
  readonly after: Holdings;
  readonly seconds: number;
}

const laneCount = 8;
/** Share of the requests, and least number, after which caches and connections are what they will be. */
const warmUp = { share: 0.2, least: 1_000 };
/** What a process may hold more of at the end than after warming up. */
const maxGrowth = { heapBytes: 48 * 1024 ** 2, handles: 4, natsConnections: 0 };
const maxFaults = 50;
/** The local host reads the rest of a body for five seconds. */
const quietMilliseconds = 5_500;

export async function fuzz(options: FuzzOptions): Promise<FuzzVerdict> {
  const startedAt = performance.now();
  const victims = [newInhabitant('victim-a'), newInhabitant('victim-b')] as const;
  const senders = Array.from({ length: laneCount }, (_, index) => newInhabitant(`lane-${index}`));
  const roles = Object.fromEntries([...victims, ...senders].map((one) => [one.did, rolesOf(one)]));
  options.progress?.('starting NATS, Azurite and the broker');
  const stack = await startFuzzStack(roles, options.root);
  try {
    const run = await FuzzRun.settle(options, stack, victims, senders);
    return { ...(await run.play()), seconds: (performance.now() - startedAt) / 1_000 };
  } finally {
    await stack.stop();
  }
}

interface Lane {
  readonly sender: Settled;
  readonly others: KnownThings;
  readonly random: Random;
}

class FuzzRun {
  readonly #client: HttpClient;
  readonly #faults: FuzzFault[] = [];
  readonly #statuses = new Map<number, number>();
  readonly #succeeded = new Set<string>();
  #sent = 0;

  private constructor(
    private readonly options: FuzzOptions,
    private readonly stack: FuzzStack,
    private readonly operations: readonly Operation[],
    private readonly oracle: Oracle,
    private readonly victims: readonly Settled[],
    private readonly lanes: readonly Lane[],
    private readonly strangers: readonly Stranger[],
  ) {
    this.#client = new HttpClient(stack.url);
  }

  static async settle(
    options: FuzzOptions,
    stack: FuzzStack,
    [first, second]: readonly [Inhabitant, Inhabitant],
    senders: readonly Inhabitant[],
  ): Promise<FuzzRun> {
    options.progress?.('settling the participants');
    const { url } = stack;
    const document = (await (await fetch(`${url}/openapi.json`)).json()) as Json;
    const operations = operationsOf(document);
    // Both have to be known before one can send to the other.
    await Promise.all([first, second].map((one) => settleLogin(url, one)));
    const victims = [
      await settle(first, second, url, operations),
      await settle(second, first, url, operations),
    ];
    const settled = await Promise.all(senders.map((one) => settle(one, one, url, operations)));
    await Promise.all([...victims, ...settled].map((one) => read(one, operations)));
    const secrets = new Map([
      ['the victims', victims.flatMap((one) => one.secrets)],
      ...settled.map((one) => [one.name, one.secrets] as const),
    ]);
    const lanes = settled.map((sender, index) => ({
      sender,
      others: knowledgeOf([...victims, ...victims, ...settled.filter((one) => one !== sender)]),
      random: new Random(options.seed * 1_000_003 + index),
    }));
    return new FuzzRun(
      options,
      stack,
      operations,
      new Oracle(document, secrets),
      victims,
      lanes,
      await strangersTo(stack.settings, senders[0]?.did ?? ''),
    );
  }

  async play(): Promise<Omit<FuzzVerdict, 'seconds'>> {
    const { requests, seed, progress } = this.options;
    // The first one makes the client ids that it reads with.
    await this.#snapshots();
    const snapshots = await this.#snapshots();
    const warm = Math.min(requests, Math.max(warmUp.least, Math.floor(requests * warmUp.share)));
    await this.#send(warm);
    const before = await this.#holdingsAtRest();
    await this.#send(requests - warm);
    progress?.('comparing what is there with what was');
    const after = await this.#holdingsAfterwards(before);
    const now = await this.#snapshots();
    snapshots.forEach((snapshot, index) => {
      for (const what of changes(snapshot, now[index] ?? new Map())) this.#report({ what });
    });
    for (const line of this.stack.logLines) {
      if (line.includes('"level":"error"'))
        this.#report({ what: `the broker logged ${line.slice(0, 1_000)}` });
    }
    return {
      requests,
      seed,
      operations: this.operations.length,
      statuses: this.#statuses,
      succeeded: this.#succeeded,
      faults: this.#faults,
      before,
      after,
    };
  }

  #snapshots() {
    const dids = this.victims.map(({ did }) => did);
    return Promise.all(this.victims.map((one) => takeSnapshot(one, dids, this.operations)));
  }

  /** Every lane sends its share, one request after the other; what a lane learns depends on what the others did meanwhile. */
  async #send(count: number): Promise<void> {
    const shares = this.lanes.map((_, index) => Math.floor((count + index) / this.lanes.length));
    await Promise.all(
      this.lanes.map(async (lane, index) => {
        for (let left = shares[index] ?? 0; left > 0; left--) await this.#sendOne(lane);
      }),
    );
  }

  async #sendOne({ sender, others, random }: Lane): Promise<void> {
    const request = fuzzRequest(random.pick(this.operations), { own: sender.things, others }, random);
    const { standing, authorization }: Stranger = random.chance(0.85)
      ? { standing: 'participant', authorization: `Bearer ${sender.client.accessToken}` }
      : random.pick(this.strangers);
    const answer = await this.#client.send(request, authorization);
    const status = answer?.status ?? 0;
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
    if (++this.#sent % 2_000 === 0)
      this.options.progress?.(`${this.#sent} requests, ${this.#faults.length} faults`);
    for (const what of this.oracle.faults({ request, standing }, answer, sender.name)) {
      this.#report({ what, request: printRequest(request, answer) });
    }
    if (answer && status >= 200 && status < 300) {
      this.#succeeded.add(request.operation.operationId);
      if (standing === 'participant') learnFrom(answer, request, sender.things);
    }
  }

  #report(fault: FuzzFault): void {
    if (this.#faults.length < maxFaults) this.#faults.push(fault);
  }

  /** What the process holds once that has not fallen for longer than the host keeps what clients have left. */
  async #holdingsAtRest(): Promise<Holdings> {
    this.#client.close();
    let least = await this.stack.holdings();
    for (let since = Date.now(); Date.now() - since < quietMilliseconds;) {
      await delay(200);
      const now = await this.stack.holdings();
      if (now.handles < least.handles) since = Date.now();
      least = now;
    }
    return least;
  }

  /** What it holds as soon as that is no more than before, or else in the end. */
  async #holdingsAfterwards(before: Holdings): Promise<Holdings> {
    this.#client.close();
    const soon = await this.stack.holdings();
    if (growth(before, soon).length === 0) return soon;
    const after = await this.#holdingsAtRest();
    for (const what of growth(before, after)) this.#report({ what });
    return after;
  }
}

function growth(before: Holdings, after: Holdings): readonly string[] {
  return (Object.keys(maxGrowth) as (keyof Holdings)[])
    .filter((name) => after[name] - before[name] > maxGrowth[name])
    .map((name) => `${name} grew from ${before[name]} to ${after[name]}, by more than ${maxGrowth[name]}`);
}

function knowledgeOf(owners: readonly Settled[]): KnownThings {
  const known = new KnownThings();
  for (const kind of kinds) {
    // Tokens are nobody else's to know.
    if (kind === 'refreshToken' || kind === 'identityToken') continue;
    for (const { things } of owners) known.add(kind, ...things.all(kind));
  }
  return known;
}

async function settleLogin(url: string, one: Inhabitant): Promise<void> {
  const response = await fetch(`${url}/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ identityToken: createIdentityToken(one.key) }),
  });
  await response.arrayBuffer();
}

function learnFrom(answer: Answer, request: FuzzedRequest, things: KnownThings): void {
  if (!answer.headers.get('content-type')?.startsWith('application/json') || answer.text.length > 100_000)
    return;
  things.learn(JSON.parse(answer.text), request.operation.template);
}

function printRequest(
  { method, target, headers, body, cutAt }: FuzzedRequest,
  answer: Answer | undefined,
): string {
  const sent = body === undefined ? '' : JSON.stringify(body.subarray(0, 1_500).toString('utf8'));
  const cut = cutAt === undefined ? '' : ` cut after ${cutAt} bytes`;
  return [
    `${method} ${target.slice(0, 1_000)} ${JSON.stringify(headers)} ${sent}${cut}`,
    `→ ${answer?.status ?? 'nothing'} ${answer?.text.slice(0, 800) ?? ''}`,
  ].join(' ');
}
