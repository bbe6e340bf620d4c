// Bench processes: the command forks itself with the name of a process, and talks with it by messages. A child ends
// with the channel, hence with us, however we end.

import { type ChildProcess, fork, type Serializable } from 'node:child_process';
import { workerArguments } from '../stack/worker-arguments';

type Answer<Reply> = { readonly reply: Reply } | { readonly failure: string };

const option = '--bench-process';

/** A process of the bench that answers one request at a time. */
export class Child<Request extends Serializable, Reply> {
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;

  /** Starts it; see `processNamed`. */
  constructor(
    private readonly name: string,
    environment: Readonly<Record<string, string>>,
  ) {
    this.#process = fork(process.argv[1] ?? '', [option, name], {
      env: { ...process.env, ...environment },
      execArgv: [...workerArguments, '--disable-warning=ExperimentalWarning'],
      serialization: 'advanced',
    });
    this.#ended = new Promise((resolve) => this.#process.once('exit', () => resolve()));
  }

  call(request: Request): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const onExit = () => reject(new Error(`The process ${this.name} of the bench ended.`));
      this.#process.once('exit', onExit);
      this.#process.once('message', (answer: Answer<Reply>) => {
        this.#process.off('exit', onExit);
        if ('reply' in answer) resolve(answer.reply);
        else reject(new Error(`${this.name}: ${answer.failure}`));
      });
      this.#process.send(request, (error) => {
        if (error) reject(error);
      });
    });
  }

  async stop(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect();
    await this.#ended;
  }
}

/** The process that a command line asks for, if it does. */
export function processNamed(argv: readonly string[]): string | undefined {
  return argv[0] === option ? argv[1] : undefined;
}

/** The child's side: answers each request, whose type its parent knows, and ends with the channel. */
export function serve(handle: (request: never) => Promise<unknown>): void {
  process.on('message', (request) => {
    void handle(request as never).then(
      (reply) => process.send?.({ reply }),
      (error: unknown) => process.send?.({ failure: (error as Error).stack ?? String(error) }),
    );
  });
  process.once('disconnect', () => process.exit(0));
}
