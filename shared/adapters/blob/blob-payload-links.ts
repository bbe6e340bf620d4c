// Links to single payloads in Blob: shared access signatures that can read one blob.

import type { PayloadLinks } from '../../messages/payload-links';
import type { Containers } from './containers';
import type { SasSigner } from './sas-signer';

export class BlobPayloadLinks implements PayloadLinks {
  constructor(
    private readonly containers: Containers,
    private readonly signer: SasSigner,
  ) {}

  async sign(name: string, expiresAtMs: number): Promise<string> {
    const blob = (await this.containers.open('payloads')).getBlockBlobClient(name);
    return this.signer.sign(blob, 'r', expiresAtMs);
  }
}
