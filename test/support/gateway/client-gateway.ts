// A DDHub Client Gateway as it was in 2025, simulated from the HTTP contract alone: it knows no code of the broker, and
// it fails loudly where the real one would hang or lose a message in silence.

import { AnonymousKeys } from './anonymous-keys';
import type { DidDocuments } from './did-documents';
import { FileTransfer } from './file-transfer';
import { mustHold } from './gateway-failure';
import { MessageInbox } from './message-inbox';
import { MessageSender } from './message-sender';
import { createRsaKeys, type RsaKeys } from './payload-encryption';
import { RoleSync } from './role-sync';
import { Session } from './session';
import { SymmetricKeys } from './symmetric-keys';
import { TopicSync } from './topic-sync';
import { createWallet, type Wallet } from './wallet';
import { type Call, Wire } from './wire';

export interface ClientGatewayOptions {
  /** Base URLs of the broker's instances. */
  readonly urls: readonly string[];
  /** Shared by all gateways of a test. */
  readonly documents: DidDocuments;
  /** Default: a participant that nobody knows yet. */
  readonly wallet?: Wallet;
  readonly rsa?: RsaKeys;
  /** Wait before a call is repeated for the first time; default 20. */
  readonly backoffMilliseconds?: number;
}

export interface BrokerConfig {
  readonly msgExpired: number;
  readonly msgMaxSize: number;
  readonly fileMaxSize: number;
  readonly natsMaxClientidSize: number;
}

export class ClientGateway {
  readonly wallet: Wallet;
  readonly wire: Wire;
  readonly session: Session;
  readonly keys: SymmetricKeys;
  readonly sender: MessageSender;
  readonly inbox: MessageInbox;
  readonly files: FileTransfer;
  readonly topics: TopicSync;
  readonly roles: RoleSync;
  readonly anonymous: AnonymousKeys;
  readonly #options: ClientGatewayOptions & { readonly rsa: RsaKeys };

  constructor(options: ClientGatewayOptions) {
    const { documents, urls, wallet = createWallet(), rsa = createRsaKeys() } = options;
    this.#options = { ...options, rsa };
    documents.publish(wallet.did, { signingKey: wallet.publicKey, encryptionKey: rsa.publicKey });
    const wire = new Wire(urls);
    const session = new Session({ wallet, wire, backoffMilliseconds: options.backoffMilliseconds ?? 20 });
    const keys = new SymmetricKeys({
      session,
      documents,
      rsaPrivateKey: rsa.privateKey,
      clientId: wallet.did,
    });
    this.wallet = wallet;
    this.wire = wire;
    this.session = session;
    this.keys = keys;
    this.sender = new MessageSender({ session, wallet, keys });
    this.inbox = new MessageInbox({ session, documents, keys });
    this.files = new FileTransfer({ session, wallet, documents, keys });
    this.topics = new TopicSync(session);
    this.roles = new RoleSync(session);
    this.anonymous = new AnonymousKeys(session);
  }

  get did(): string {
    return this.wallet.did;
  }

  /** What every process does first: makes itself known, and asks for the limits. */
  async start(): Promise<BrokerConfig> {
    await this.session.call({ method: 'POST', path: '/channel/initExtChannel', isBackground: true });
    const config = (await this.json({ method: 'GET', path: '/config', isBackground: true })) as BrokerConfig;
    const { msgExpired, msgMaxSize, fileMaxSize, natsMaxClientidSize } = config;
    const numbers = [msgExpired, msgMaxSize, fileMaxSize, natsMaxClientidSize];
    mustHold(
      numbers.every((number) => typeof number === 'number' && number > 0),
      'config',
      config,
    );
    return config;
  }

  /** The same participant in a new process: nothing of the session is left. */
  restarted(): ClientGateway {
    return new ClientGateway({ ...this.#options, wallet: this.wallet });
  }

  /** Any other call. */
  async json(call: Call): Promise<unknown> {
    return (await this.session.call(call)).json();
  }
}
