// The world of the authorisation matrix: ten callers, and objects that belong to one of them, to somebody else, or to
// nobody. Objects are made anew for each call, so that no call changes what the next one finds.

import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createIdentityToken, createKeyPair, didOf } from '../../../client';
import { JoseAccessTokenIssuer } from '../../../shared/adapters/jose/access-tokens';
import { readSettings } from '../../../shared/config/settings';
import { type Broker, type BrokerSite, type Participant, topicOwner } from '../broker';
import { complete, openFile, putBytes } from '../broker-files';
import { receive } from '../broker-leases';
import { send } from '../broker-messages';

/** The columns of the matrix, in their order. */
export const callers = [
  'no token',
  'bad token',
  'expired token',
  'wrong audience',
  'no role',
  'user',
  'creator of another owner',
  'owner',
  'recipient',
  'stranger',
] as const;
export type Caller = (typeof callers)[number];

/** Whose the object of a call is, seen from the caller `owner`; `–`: the call has none. */
export type Whose = '–' | 'own' | 'other’s' | 'missing';

export const otherNamespace = 'other.apps.broker.iam.ewc';
const missingId = '0'.repeat(24);
const bytes = Buffer.from('the bytes of a file');

const user = `user.roles.${topicOwner}`;
const rolesOf = {
  'no role': [],
  user: [user],
  'creator of another owner': [user, `topiccreator.roles.${otherNamespace}`],
  owner: [user, `topiccreator.roles.${topicOwner}`],
  recipient: [user],
  // With the owner's roles: what it may not do, it may not because the object is not its own.
  stranger: [user, `topiccreator.roles.${topicOwner}`],
  another: [user, `topiccreator.roles.${otherNamespace}`],
} as const satisfies Record<string, readonly string[]>;
type Persona = keyof typeof rolesOf;

export class World {
  private constructor(
    readonly broker: Broker,
    private readonly personas: ReadonlyMap<Persona, Participant>,
    private readonly tokens: ReadonlyMap<Caller, string>,
  ) {}

  static async create(site: BrokerSite, natsUrl: string): Promise<World> {
    const broker = site.start({ natsUrl });
    const keys = Object.keys(rolesOf).map((name) => [name as Persona, createKeyPair()] as const);
    const roles = Object.fromEntries(keys.map(([name, key]) => [didOf(key), rolesOf[name]]));
    await writeFile(site.settings['ROLES_FILE'] ?? '', JSON.stringify(roles));
    const personas = new Map<Persona, Participant>();
    for (const [name, key] of keys) {
      const login = { identityToken: createIdentityToken(key) };
      const { body } = await broker.request<{ access_token: string }>('POST', '/auth/login', login);
      personas.set(name, broker.participant(didOf(key), body.access_token));
    }
    const { identity } = readSettings(site.settings);
    const issue = (audience: string, nowMs: number): Promise<string> =>
      new JoseAccessTokenIssuer({
        keys: identity.signingKeys,
        issuer: identity.issuer,
        audience,
        accessTokenSeconds: identity.accessTokenSeconds,
      }).issue({ did: personas.get('owner')?.did ?? '', roles: rolesOf.owner }, nowMs);
    const [expired, elsewhere] = await Promise.all([
      issue(identity.audience, Date.now() - 86_400_000),
      issue('somebody else', Date.now()),
    ]);
    const tokens = new Map<Caller, string>([
      ['bad token', `${expired.slice(0, -2)}AA`],
      ['expired token', expired],
      ['wrong audience', elsewhere],
    ]);
    return new World(broker, personas, tokens);
  }

  get owner(): Participant {
    return this.#persona('owner');
  }

  get recipient(): Participant {
    return this.#persona('recipient');
  }

  tokenOf(caller: Caller): string | undefined {
    const isPersona = caller in rolesOf;
    return isPersona ? this.#persona(caller as Persona).accessToken : this.tokens.get(caller);
  }

  /** Whoever owns an object of this kind; nobody owns a missing one. */
  ownerOf(whose: Whose): Participant | undefined {
    if (whose === 'missing') return undefined;
    return this.#persona(whose === 'other’s' ? 'another' : 'owner');
  }

  /** Id of a topic with version 1.0.0. */
  async topic(whose: Whose): Promise<string> {
    const creator = this.ownerOf(whose);
    if (!creator) return missingId;
    const topic = newTopic(whose === 'other’s' ? otherNamespace : topicOwner);
    const { body } = await creator.request<{ id: string }>('POST', '/topics', topic);
    return body.id;
  }

  /** A registered anonymous key. */
  async anonymousKey(whose: Whose): Promise<string> {
    const key = randomBytes(12).toString('hex');
    const body = { anonymousKeys: [{ anonymousKey: key }] };
    await this.ownerOf(whose)?.request('POST', '/channel/initExtChannel', body);
    return key;
  }

  /** Name of a channel. */
  async channel(whose: Whose): Promise<string> {
    const name = randomBytes(6).toString('hex');
    await this.ownerOf(whose)?.request('PUT', `/channels/${name}`, { type: 'sub' });
    return name;
  }

  /** Name of a client id that has been used. */
  async clientId(whose: Whose): Promise<string> {
    const clientId = randomBytes(6).toString('hex');
    await this.ownerOf(whose)?.request('POST', '/messages/search', { clientId });
    return clientId;
  }

  /** A lease of a message, under a client id that everybody has; a missing one has neither. */
  async lease(whose: Whose): Promise<{ readonly clientId: string; readonly leaseToken: string }> {
    const reader = this.ownerOf(whose);
    if (!reader) return { clientId: randomBytes(6).toString('hex'), leaseToken: 'none' };
    const clientId = randomBytes(6).toString('hex');
    await send(this.recipient, reader, await this.topic('own'));
    await Promise.all(
      [...this.personas.values()].map((persona) => persona.request('PUT', `/clients/${clientId}`)),
    );
    const [leased] = await receive(reader, clientId);
    return { clientId, leaseToken: leased?.leaseToken ?? '' };
  }

  /** Id of a message to the recipient; to its owner itself where it is somebody else's. */
  async message(whose: Whose): Promise<{ readonly id: string; readonly recipientDid: string }> {
    const sender = this.ownerOf(whose);
    if (!sender) return { id: missingId, recipientDid: this.recipient.did };
    const reader = whose === 'own' ? this.recipient : sender;
    return { id: await send(sender, reader, await this.topic('own')), recipientDid: reader.did };
  }

  /** Id of a file for the recipient; for nobody where it is somebody else's. */
  async file(whose: Whose, stage: 'open' | 'uploaded' | 'complete'): Promise<string> {
    const sender = this.ownerOf(whose);
    if (!sender) return missingId;
    const recipients = whose === 'own' ? [this.recipient.did] : [sender.did];
    const slot = await openFile(sender, recipients, await this.topic('own'), bytes);
    if (stage !== 'open') await putBytes(slot, bytes);
    if (stage === 'complete') await complete(sender, slot.fileId);
    return slot.fileId;
  }

  #persona(name: Persona): Participant {
    const participant = this.personas.get(name);
    if (!participant) throw new Error(`nobody is ${name}`);
    return participant;
  }
}

export function newTopic(owner: string): object {
  const name = randomBytes(6).toString('hex');
  return { name, owner, schemaType: 'JSD7', schema: '{}', version: '1.0.0', tags: [] };
}
