// A TCP proxy in front of a server, to slow down, to cut, to silence and to lose single answers of real connections.

import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** Connections that clients have opened so far. */
  readonly accepted: () => number;
  /** Loses the next chunk from the server that contains the text. @returns how often it has been lost so far */
  readonly loseAnswer: (text: string, times?: number) => () => number;
  /** Loses the next chunks from the server, whatever they are, and resets the connections that lost them. */
  readonly loseAnswers: (chunks: number) => void;
  /** Holds back every chunk, both ways, for so long until pass(). Unit: ms. */
  readonly delay: (milliseconds: number) => void;
  /** Drops all that the server sends until pass(). @returns how many chunks were dropped so far */
  readonly silence: () => () => number;
  /** Half-open: the connections of now are never heard of again by either end; new ones work. */
  readonly abandon: () => void;
  /** Partition: nothing passes either way, on old connections and new ones, until pass(). */
  readonly isolate: () => void;
  /** Resets every connection; new ones are let through. */
  readonly reset: () => void;
  /** Resets every connection and every new one until pass(). */
  readonly refuse: () => void;
  /** Back to doing nothing: answers still to be lost are not lost. Connections that have lost bytes are reset. */
  readonly pass: () => void;
  readonly close: () => Promise<void>;
}

/** One accepted connection and the one behind it. */
class Passage {
  /** Bytes of it were dropped: it can only be reset. */
  broken = false;
  abandoned = false;
  readonly #toServer: Direction;
  readonly #toClient: Direction;

  constructor(
    readonly client: Socket,
    readonly server: Socket,
    private readonly drops: (passage: Passage, fromServer: boolean, chunk: Buffer) => boolean,
    private readonly delayMs: () => number,
    private readonly ended: (passage: Passage) => void,
  ) {
    this.#toServer = new Direction(client, server);
    this.#toClient = new Direction(server, client);
    this.#connect(client, this.#toServer, false);
    this.#connect(server, this.#toClient, true);
  }

  reset(): void {
    this.abandoned = false;
    this.client.resetAndDestroy();
    this.server.resetAndDestroy();
  }

  #connect(from: Socket, direction: Direction, fromServer: boolean): void {
    from.setNoDelay();
    from.on('data', (chunk: Buffer) => {
      if (this.drops(this, fromServer, chunk)) this.broken = true;
      else direction.send(chunk, this.delayMs());
    });
    from.on('end', () => {
      if (!this.broken && !this.abandoned) direction.end(this.delayMs());
    });
    from.on('error', () => from.destroy());
    from.once('close', () => {
      // Who is cut off does not hear that the other end has gone.
      if (this.abandoned) return;
      direction.close();
      this.ended(this);
    });
  }
}

/** One way of a passage: in order, each chunk as late as it has to be, and no faster than it is taken. */
class Direction {
  readonly #waiting: { readonly at: number; readonly send: () => void }[] = [];
  #isWaiting = false;

  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
  ) {
    to.on('drain', () => from.resume());
  }

  send(chunk: Buffer, delayMs: number): void {
    this.#after(delayMs, () => {
      if (!this.to.write(chunk)) this.from.pause();
    });
  }

  end(delayMs: number): void {
    this.#after(delayMs, () => this.to.end());
  }

  /** Its source has gone: what is left is sent, then its target goes too. */
  close(): void {
    if (this.from.errored) this.to.destroy();
    else this.#after(0, () => this.to.destroySoon());
  }

  #after(delayMs: number, send: () => void): void {
    if (delayMs === 0 && this.#waiting.length === 0) send();
    else {
      this.#waiting.push({ at: performance.now() + delayMs, send });
      if (!this.#isWaiting) this.#wait(delayMs);
    }
  }

  #wait(ms: number): void {
    this.#isWaiting = true;
    setTimeout(() => this.#flush(), ms);
  }

  #flush(): void {
    this.#isWaiting = false;
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      const leftMs = first.at - performance.now();
      if (leftMs > 0) {
        this.#wait(leftMs);
        return;
      }
      this.#waiting.shift();
      first.send();
    }
  }
}

/** @param targetPort port on 127.0.0.1; read anew for each connection */
export async function startTcpProxy(targetPort: () => number): Promise<TcpProxy> {
  const passages = new Set<Passage>();
  const toLose: { text: string; left: number; lost: number; resets: boolean }[] = [];
  let dropped = 0;
  let delayMs = 0;
  let mode: 'pass' | 'silent' | 'isolated' | 'refusing' = 'pass';

  const drops = (passage: Passage, fromServer: boolean, chunk: Buffer): boolean => {
    if (passage.abandoned || mode === 'isolated') return true;
    if (!fromServer) return false;
    if (mode === 'silent') {
      dropped++;
      return true;
    }
    const wanted = toLose.find(({ text, left }) => left > 0 && chunk.includes(text));
    if (!wanted) return false;
    wanted.left--;
    wanted.lost++;
    if (wanted.resets) passage.reset();
    return true;
  };
  let accepted = 0;
  const server = createServer((client) => {
    accepted++;
    if (mode === 'refusing') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(targetPort(), '127.0.0.1');
    passages.add(
      new Passage(
        client,
        upstream,
        drops,
        () => delayMs,
        (passage) => passages.delete(passage),
      ),
    );
  });
  const resetAll = (chosen: (passage: Passage) => boolean = () => true): void => {
    for (const passage of passages) if (chosen(passage)) passage.reset();
  };
  await listen(server);
  return {
    port: (server.address() as AddressInfo).port,
    accepted: () => accepted,
    loseAnswer: (text, times = 1) => {
      const wanted = { text, left: times, lost: 0, resets: false };
      toLose.push(wanted);
      return () => wanted.lost;
    },
    loseAnswers: (chunks) => {
      toLose.push({ text: '', left: chunks, lost: 0, resets: true });
    },
    delay: (milliseconds) => {
      delayMs = milliseconds;
    },
    silence: () => {
      mode = 'silent';
      dropped = 0;
      return () => dropped;
    },
    abandon: () => {
      for (const passage of passages) passage.abandoned = true;
    },
    isolate: () => {
      mode = 'isolated';
    },
    reset: resetAll,
    refuse: () => {
      mode = 'refusing';
      resetAll();
    },
    pass: () => {
      delayMs = 0;
      toLose.length = 0;
      if (mode === 'silent') resetAll();
      mode = 'pass';
      resetAll(({ broken, abandoned }) => broken || abandoned);
    },
    close: () => {
      resetAll();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
}
