// What a broker's process holds while it does nothing: probe.mjs, loaded into it, prints that when it is asked.

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type BrokerProcess, type BrokerProcessOptions, startBrokerProcess } from '../stack/broker-process';

/** What the process itself can say. */
export interface ProcessHoldings {
  /** After a full garbage collection. */
  readonly heapBytes: number;
  /** Sockets, servers, files, threads and the like. */
  readonly handles: number;
}

export interface ProbedBroker {
  readonly broker: BrokerProcess;
  /** @throws Error with the broker's last lines when it has ended, or says nothing for half a minute */
  readonly holdings: () => Promise<ProcessHoldings>;
}

const probePrefix = 'probe ';
const patienceMs = 30_000;

export async function startProbedBroker(options: BrokerProcessOptions): Promise<ProbedBroker> {
  const { root = process.cwd(), settings, onLine } = options;
  const waiting: ((line: string) => void)[] = [];
  const probe = pathToFileURL(resolve(root, 'scripts', 'fuzz', 'probe.mjs')).href;
  const broker = await startBrokerProcess({
    ...options,
    settings: { ...settings, NODE_OPTIONS: `--expose-gc --import=${probe}` },
    onLine: (line) => {
      if (line.startsWith(probePrefix)) waiting.shift()?.(line);
      else onLine?.(line);
    },
  });
  const holdings = async (): Promise<ProcessHoldings> => {
    const { promise, resolve: answer, reject } = Promise.withResolvers<string>();
    const fail = (what: string) => {
      reject(new Error(`the broker ${what} when it was asked what it holds:\n${broker.tail()}`));
    };
    const timer = setTimeout(() => fail('said nothing'), patienceMs);
    void broker.exited.then(() => fail('had ended'));
    waiting.push(answer);
    try {
      process.kill(broker.pid, 'SIGUSR2');
      const { heapBytes, handles } = JSON.parse((await promise).slice(probePrefix.length)) as ProcessHoldings;
      return { heapBytes, handles };
    } catch (error) {
      const isGone = (error as NodeJS.ErrnoException).code === 'ESRCH';
      // Its end says it better.
      if (isGone) await promise;
      throw error;
    } finally {
      clearTimeout(timer);
    }
  };
  return { broker, holdings };
}
