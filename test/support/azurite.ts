// A real Azurite blob service for a test: in a temporary directory, on a port chosen by the system, gone after
// stop() and also when the test process is killed.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { generate } from 'selfsigned';
import { type Azurite, startAzurite as start } from '../../scripts/stack/azurite';

const root = resolve(__dirname, '../..');

export type { Azurite } from '../../scripts/stack/azurite';

export function startAzurite(): Promise<Azurite> {
  return inDirectory((location) => start({ port: 0, location, root }));
}

/** Azurite with https and OAuth, as user-delegation keys need it, and the certificate by which to know it. */
export function startSecureAzurite(): Promise<Azurite & { readonly certificate: string }> {
  return inDirectory(async (location) => {
    const { cert, private: key } = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
      keySize: 2_048,
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
    });
    const tls = { certificate: join(location, 'certificate.pem'), key: join(location, 'key.pem') };
    await Promise.all([writeFile(tls.certificate, cert), writeFile(tls.key, key)]);
    return { ...(await start({ port: 0, location, root, tls })), certificate: cert };
  });
}

/** Starts it in a temporary directory, which goes with it, also when it does not start. */
async function inDirectory<Started extends Azurite>(
  begin: (location: string) => Promise<Started>,
): Promise<Started> {
  const location = await mkdtemp(join(tmpdir(), 'broker-azurite-'));
  const remove = () => rm(location, { recursive: true, force: true });
  try {
    const azurite = await begin(location);
    return { ...azurite, stop: () => azurite.stop().then(remove) };
  } catch (error) {
    await remove();
    throw error;
  }
}
