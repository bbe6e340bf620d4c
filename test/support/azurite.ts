// A real Azurite blob service for a test: in a temporary directory, on a port chosen by the system, gone after
// stop() and also when the test process is killed.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { generate } from 'selfsigned';
import { type Azurite, startAzurite as start } from '../../scripts/stack/azurite';

export type { Azurite } from '../../scripts/stack/azurite';

export async function startAzurite(): Promise<Azurite> {
  const location = await mkdtemp(join(tmpdir(), 'broker-azurite-'));
  const azurite = await start({ port: 0, location, root: resolve(__dirname, '../..') });
  return {
    ...azurite,
    stop: async () => {
      await azurite.stop();
      await rm(location, { recursive: true, force: true });
    },
  };
}

/** Azurite with https and OAuth, as user-delegation keys need it, and the certificate by which to know it. */
export async function startSecureAzurite(): Promise<Azurite & { readonly certificate: string }> {
  const location = await mkdtemp(join(tmpdir(), 'broker-azurite-'));
  const { cert, private: key } = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
    keySize: 2_048,
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  });
  const tls = { certificate: join(location, 'certificate.pem'), key: join(location, 'key.pem') };
  await Promise.all([writeFile(tls.certificate, cert), writeFile(tls.key, key)]);
  const azurite = await start({ port: 0, location, root: resolve(__dirname, '../..'), tls });
  return {
    ...azurite,
    certificate: cert,
    stop: async () => {
      await azurite.stop();
      await rm(location, { recursive: true, force: true });
    },
  };
}
