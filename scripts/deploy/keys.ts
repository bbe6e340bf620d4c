// The secrets that a deployment needs, and what each becomes when it is missing or rotated. Pure but for the making of
// keys; where they are kept is key-vault.ts's affair. No value is ever printed.

import { generateKeyPairSync, randomBytes, randomUUID, X509Certificate } from 'node:crypto';
import { createNatsCertificates, type NodeCertificate } from './nats-certificates';
import { createNkeyUser } from './nkey';

/** What may be asked for beside making what is missing. */
export const rotations = [
  'token-signing-key',
  'message-id-key',
  'message-id-key-drop-old',
  'nats-nkey',
  'nats-certificates',
  'nats-certificates-switch',
  'nats-certificates-drop-old',
] as const;
export type Rotation = (typeof rotations)[number];

/** Who reads a secret: the function app or the NATS nodes. */
export type Vault = 'broker' | 'nats';

export interface Secret {
  readonly vault: Vault;
  readonly name: string;
  readonly value: string;
}

export interface KeysRequest {
  /** The current value of a secret, undefined when there is none. */
  readonly current: (vault: Vault, name: string) => string | undefined;
  readonly rotate: ReadonlySet<Rotation>;
  /** DNS names of the nodes, in their order. */
  readonly hosts: readonly string[];
  readonly now: Date;
}

/** The secrets to write, in this order. */
export async function nextSecrets(request: KeysRequest): Promise<readonly Secret[]> {
  return [
    ...broker('token-signing-key', nextTokenSigningKey(request)),
    ...broker('message-id-key', nextMessageIdKey(request)),
    ...nextNkey(request),
    ...(await nextCertificates(request)),
  ];
}

const broker = (name: string, value: string | undefined): readonly Secret[] =>
  value === undefined ? [] : [{ vault: 'broker', name, value }];

/** Old keys that still verify. Access tokens live for a day at most, so two rotations a day are within it. */
const keptTokenKeys = 2;

function nextTokenSigningKey({ current, rotate }: KeysRequest): string | undefined {
  const present = current('broker', 'token-signing-key');
  if (present !== undefined && !rotate.has('token-signing-key')) return undefined;
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const fresh: object = { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), alg: 'ES256' };
  if (present === undefined) return JSON.stringify({ keys: [fresh] });
  const value = JSON.parse(present) as { keys?: readonly Readonly<Record<string, unknown>>[] };
  const old = (value.keys ?? [value as Readonly<Record<string, unknown>>])
    .slice(0, keptTokenKeys)
    // A key that only verifies needs no private part.
    .map((key) => Object.fromEntries(Object.entries(key).filter(([name]) => name !== 'd')));
  return JSON.stringify({ keys: [fresh, ...old] });
}

function nextMessageIdKey({ current, rotate }: KeysRequest): string | undefined {
  const present = current('broker', 'message-id-key');
  if (present === undefined) return `1:${randomBytes(32).toString('base64url')}`;
  const entries = present.split(',');
  if (rotate.has('message-id-key')) {
    const used = new Set(entries.map((entry) => Number(entry.split(':')[0])));
    const newest = Number(entries[0]?.split(':')[0]);
    const free = Array.from({ length: 255 }, (_, step) => (newest + 1 + step) % 256).find(
      (number) => !used.has(number),
    );
    if (free === undefined) throw new Error('all 256 numbers of message id keys are in use: drop old ones');
    return [`${free}:${randomBytes(32).toString('base64url')}`, ...entries].join(',');
  }
  return rotate.has('message-id-key-drop-old') && entries.length > 1 ? entries[0] : undefined;
}

function nextNkey({ current, rotate }: KeysRequest): readonly Secret[] {
  const complete =
    current('broker', 'nats-broker-seed') !== undefined && current('nats', 'nats-broker-nkey') !== undefined;
  if (complete && !rotate.has('nats-nkey')) return [];
  const { seed, publicKey } = createNkeyUser();
  return [
    { vault: 'nats', name: 'nats-broker-nkey', value: publicKey },
    { vault: 'broker', name: 'nats-broker-seed', value: seed },
  ];
}

/**
 * The signer's key is not kept, so a renewal is a new signer. Nodes restart one after the other and each verifies the
 * others, so at every moment all must trust both what is shown before and what is shown after: `nats-certificates`
 * publishes the new signer beside the old one and puts the nodes' next certificates aside; when every node and
 * instance trusts both, `nats-certificates-switch` puts them in place; when every node shows its new one,
 * `nats-certificates-drop-old` forgets the old signer.
 */
async function nextCertificates(request: KeysRequest): Promise<readonly Secret[]> {
  const { current, rotate, hosts, now } = request;
  const names = hosts.map((_, index) => `nats-${index}`);
  const trusted = current('nats', 'nats-ca');
  const missing =
    trusted === undefined ||
    current('broker', 'nats-ca') === undefined ||
    names.some((name) => current('nats', `${name}-certificate`) === undefined);
  if (!missing && rotate.has('nats-certificates-switch')) return switchedCertificates(names, current);
  if (!missing && rotate.has('nats-certificates-drop-old')) return usedSigners(names, trusted, current);
  if (!missing && !rotate.has('nats-certificates')) return [];
  const made = await createNatsCertificates(
    hosts.map((host) => [host]),
    now,
  );
  if (missing) {
    return [...names.flatMap((name, index) => certificateOf(name, made.nodes[index])), ...trust(made.ca)];
  }
  return [
    ...names.map((name, index) => ({
      vault: 'nats' as const,
      name: nextOf(name),
      value: JSON.stringify(made.nodes[index]),
    })),
    ...trust(`${made.ca.trim()}\n${trusted}`),
  ];
}

const nextOf = (name: string): string => `${name}-next`;

/** Trust stays as it is: a node that has not restarted yet still shows its old certificate. */
function switchedCertificates(names: readonly string[], current: KeysRequest['current']): readonly Secret[] {
  const next = names.map((name) => current('nats', nextOf(name)));
  if (next.some((value) => value === undefined)) {
    throw new Error('there are no next certificates: ask for nats-certificates first');
  }
  return names.flatMap((name, index) =>
    certificateOf(name, JSON.parse(next[index] ?? '') as NodeCertificate),
  );
}

/** Trust in those alone who have signed what is in place. */
function usedSigners(
  names: readonly string[],
  trusted: string,
  current: KeysRequest['current'],
): readonly Secret[] {
  const inPlace = names.map((name) => current('nats', `${name}-certificate`) ?? '');
  const isSwitched = names.every((name, index) => {
    const next = current('nats', nextOf(name));
    return next === undefined || (JSON.parse(next) as NodeCertificate).certificate === inPlace[index];
  });
  if (!isSwitched) throw new Error('the next certificates wait: ask for nats-certificates-switch first');
  const signers = trusted.match(/-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs) ?? [];
  const used = signers.filter((signer) => {
    const { publicKey } = new X509Certificate(signer);
    return inPlace.some((certificate) => new X509Certificate(certificate).verify(publicKey));
  });
  return used.length === signers.length ? [] : trust(`${used.join('\n')}\n`);
}

const trust = (ca: string): readonly Secret[] => [
  { vault: 'nats', name: 'nats-ca', value: ca },
  { vault: 'broker', name: 'nats-ca', value: ca },
];

function certificateOf(name: string, node?: NodeCertificate): readonly Secret[] {
  return [
    { vault: 'nats', name: `${name}-certificate`, value: node?.certificate ?? '' },
    { vault: 'nats', name: `${name}-key`, value: node?.key ?? '' },
  ];
}
