// Certificates of the NATS nodes: a signer that is made for them, used once and forgotten, and one certificate for
// each node, which serves clients and shows itself to the other nodes.

import { generate } from 'selfsigned';

export interface NodeCertificate {
  /** PEM. */
  readonly certificate: string;
  /** PEM, secret. */
  readonly key: string;
}

export interface NatsCertificates {
  /** PEM of the signer, which clients and nodes trust. */
  readonly ca: string;
  readonly nodes: readonly NodeCertificate[];
}

/** How long certificates are good for. Unit: days. */
const validDays = 5 * 365;

/**
 * @param hosts for each node the DNS names and IPv4 addresses under which it is reached
 * @param now beginning of the validity
 */
export async function createNatsCertificates(
  hosts: readonly (readonly string[])[],
  now: Date,
): Promise<NatsCertificates> {
  const period = {
    notBeforeDate: new Date(now.getTime() - 3_600_000),
    notAfterDate: new Date(now.getTime() + validDays * 86_400_000),
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
  } as const;
  const signer = await generate([{ name: 'commonName', value: `DDHub NATS ${now.toISOString()}` }], {
    ...period,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const nodes = await Promise.all(
    hosts.map(async (names) => {
      const made = await generate([{ name: 'commonName', value: names[0] ?? 'nats' }], {
        ...period,
        ca: { key: signer.private, cert: signer.cert },
        extensions: [
          { name: 'basicConstraints', cA: false },
          { name: 'keyUsage', digitalSignature: true, critical: true },
          { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
          {
            name: 'subjectAltName',
            altNames: names.map((name) =>
              /^[\d.]+$/.test(name) ? ({ type: 7, ip: name } as const) : ({ type: 2, value: name } as const),
            ),
          },
        ],
      });
      return { certificate: made.cert, key: made.private };
    }),
  );
  return { ca: signer.cert, nodes };
}
