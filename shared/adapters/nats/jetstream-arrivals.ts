// Arrivals over the streams' republished headers (design §4): one subscription for each shard in which this instance
// waits for something, shared by all that wait, and none while nobody does.

import type { Msg, NatsConnection, Subscription } from 'nats';
import type { Arrivals } from '../../messages/arrivals';
import type { Mailbox } from '../../messages/mailbox';
import type { NatsConnections } from './connection';
import { addressOf, newMailSubjects, parseNewMailSubject } from './names';
import { toBrokerError } from './nats-errors';
import type { StoreLayout } from './store-layout';

type Arrived = (topic: string, sender: string) => void;

/** What is waited for in one shard. */
interface Watch {
  /** By mailbox token. */
  readonly byMailbox: Map<string, Set<Arrived>>;
  /** Settles when the server knows of the subscription. */
  readonly ready: Promise<Subscription>;
}

export class JetStreamArrivals implements Arrivals {
  readonly #watches = new Map<number, Watch>();

  constructor(
    private readonly connections: NatsConnections,
    private readonly layout: StoreLayout,
  ) {}

  async watch(mailbox: Mailbox, arrived: Arrived): Promise<() => void> {
    const { shard, token } = addressOf(mailbox, this.layout.shardCount);
    const watch = this.#watches.get(shard) ?? this.#begin(shard);
    const those = watch.byMailbox.get(token) ?? new Set();
    watch.byMailbox.set(token, those.add(arrived));
    const end = (): void => {
      those.delete(arrived);
      if (!those.size && watch.byMailbox.get(token) === those) watch.byMailbox.delete(token);
      if (!watch.byMailbox.size) this.#end(shard, watch);
    };
    try {
      await watch.ready;
      return end;
    } catch (error) {
      end();
      throw error;
    }
  }

  #begin(shard: number): Watch {
    const byMailbox: Watch['byMailbox'] = new Map();
    const ready = this.#subscribe(shard, (subject) => {
      const { mailbox, topic, sender } = parseNewMailSubject(subject);
      for (const arrived of byMailbox.get(mailbox) ?? []) arrived(topic, sender);
    });
    const watch: Watch = { byMailbox, ready };
    this.#watches.set(shard, watch);
    ready.then(
      // The client resumes subscriptions when it reconnects; when the connection was given up, who still waits looks
      // for itself, and who comes next begins anew.
      (subscription) => void subscription.closed.then(() => this.#forget(shard, watch)),
      () => this.#forget(shard, watch),
    );
    return watch;
  }

  async #subscribe(shard: number, heard: (subject: string) => void): Promise<Subscription> {
    await this.layout.generation(shard);
    // Not the connection of direct gets: what it reads for others would delay the news.
    const connection: NatsConnection = await this.connections.ready('publish');
    const subscription = connection.subscribe(newMailSubjects(shard), {
      // A throw would end the client's reader for good.
      callback: (_error: unknown, message: Msg) => heard(message.subject),
    });
    try {
      await connection.flush();
      return subscription;
    } catch (error) {
      // The connection was lost meanwhile.
      subscription.unsubscribe();
      throw toBrokerError(error);
    }
  }

  #end(shard: number, watch: Watch): void {
    this.#forget(shard, watch);
    watch.ready.then(
      (subscription) => subscription.unsubscribe(),
      () => undefined,
    );
  }

  #forget(shard: number, watch: Watch): void {
    if (this.#watches.get(shard) === watch) this.#watches.delete(shard);
  }
}
