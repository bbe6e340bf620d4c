// Opens the containers. In Azure the deployment makes them; a local broker makes them at the first use.

import type { ContainerClient } from '@azure/storage-blob';
import type { BlobConnection } from './blob-connection';
import { callBlob } from './blob-errors';
import { containerNames } from './container-names';

export class Containers {
  readonly #ready = new Map<string, Promise<ContainerClient>>();

  constructor(private readonly connection: BlobConnection) {}

  /** The container, made when it was missing. @throws BrokerError `blob-store-unavailable` */
  open(name: keyof typeof containerNames): Promise<ContainerClient> {
    let ready = this.#ready.get(name);
    if (!ready) {
      ready = this.#open(containerNames[name]);
      this.#ready.set(name, ready);
      ready.catch(() => this.#ready.delete(name));
    }
    return ready;
  }

  async #open(name: string): Promise<ContainerClient> {
    const container = this.connection.client().getContainerClient(name);
    await callBlob(async (abortSignal) => {
      if (!(await container.exists({ abortSignal }))) await container.createIfNotExists({ abortSignal });
    });
    return container;
  }
}
