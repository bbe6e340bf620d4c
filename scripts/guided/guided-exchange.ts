// One exchange between two generated participants, told step by step: log in, create a topic, publish, search,
// acknowledge, send a file; and a third one that is refused by the recipient's own rule. What npm start shows and
// what CI plays against the official Functions host.

import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type BrokerAnswer, createKeyPair, ParticipantClient } from '../../client';
import { exchangeFile } from './guided-file';

/** Namespace of the demo roles in scripts/roles.sample.json: who may create topics there owns them. */
export const demoOwner = 'demo.apps.demo.iam.ewc';

/** Looks for what was sent, and the time between two. Unit: ms. */
const maxLooks = 50;
const lookEveryMs = 20;

export interface Exchange {
  readonly sender: ParticipantClient;
  readonly recipient: ParticipantClient;
  readonly topicId: string;
}

interface Topic {
  readonly id: string;
}
interface Published {
  readonly recipients: { readonly sent: number };
  readonly status: readonly { readonly details: readonly { readonly err?: { readonly code: string } }[] }[];
}
interface Channel {
  readonly fqcn: string;
}
interface Found {
  readonly messageId: string;
  readonly payload: string;
}
interface Acknowledged {
  readonly acked: readonly string[];
}

const schema = {
  type: 'object',
  properties: { text: { type: 'string' } },
  required: ['text'],
  additionalProperties: false,
};
const channelPatienceMs = 3_000;
const greeting = JSON.stringify({ text: 'Good morning, Bob.' });

/**
 * @param say gets one line per step, with the call and its status
 * @param onProgress gets a line that grows while something takes its time
 * @throws Error that names the first call that did not answer as it must
 */
export async function playGuidedExchange(
  baseUrl: string,
  say: (line: string) => void,
  onProgress: (line: string) => void = () => undefined,
): Promise<Exchange> {
  let number = 0;
  const tell = (what: string, call: string, status: number, result = '') => {
    number += 1;
    const step = `${String(number).padStart(2)}  ${what.padEnd(44)} ${call.padEnd(22)} ${status}`;
    say(result === '' ? step : `${step}  ${result}`);
  };
  const call = async <Body>(
    what: string,
    participant: ParticipantClient,
    [method, path]: readonly [string, string],
    body: unknown,
    tellResult: (body: Body) => string,
    isThere: (body: Body) => boolean = () => true,
  ): Promise<Body> => {
    let answer: BrokerAnswer<Body> = await participant.request<Body>(method, path, body);
    // On a cluster the replica that is asked may not have yet what was sent a moment ago.
    for (let looks = 1; looks < maxLooks && answer.status < 300 && !isThere(answer.body); looks++) {
      await delay(lookEveryMs);
      answer = await participant.request<Body>(method, path, body);
    }
    if (answer.status >= 300) {
      throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    tell(what, `${method} ${path}`, answer.status, tellResult(answer.body));
    return answer.body;
  };
  const logIn = async (name: string) => {
    const participant = await ParticipantClient.login(baseUrl, createKeyPair());
    tell(`${name} logs in with a key of their own`, 'POST /auth/login', 200, participant.did);
    return participant;
  };

  const sender = await logIn('Alice');
  const recipient = await logIn('Bob');
  const { id: topicId } = await call<Topic>(
    'Alice creates a topic with a JSON schema',
    sender,
    ['POST', '/topics'],
    {
      name: `greetings-${randomBytes(4).toString('hex')}`,
      owner: demoOwner,
      schemaType: 'JSD7',
      schema: JSON.stringify(schema),
      version: '1.0.0',
      tags: ['demo'],
    },
    (topic) => `topic ${topic.id}`,
  );
  await call<Published>(
    'Alice sends Bob a message',
    sender,
    ['POST', '/messages'],
    messageTo(recipient.did, topicId),
    ({ recipients }) => {
      if (recipients.sent !== 1) throw new Error('POST /messages: the message was not sent');
      return '1 sent';
    },
  );
  const search = { clientId: 'guided-exchange', topicId: [topicId], amount: 10 };
  const [message] = await call<readonly Found[]>(
    'Bob searches for messages',
    recipient,
    ['POST', '/messages/search'],
    search,
    ([first]) => {
      if (first?.payload !== greeting)
        throw new Error('POST /messages/search: the payload is not what was sent');
      return first.payload;
    },
    (found) => found.length > 0,
  );
  await call<Acknowledged>(
    'Bob acknowledges it',
    recipient,
    ['POST', '/messages/ack'],
    { clientId: search.clientId, messageIds: [message?.messageId] },
    ({ acked }) => {
      if (acked[0] !== message?.messageId)
        throw new Error('POST /messages/ack: the message was not acknowledged');
      return 'acknowledged';
    },
  );
  await call<readonly Found[]>(
    'Bob searches again: nothing is left',
    recipient,
    ['POST', '/messages/search'],
    search,
    (found) => {
      if (found.length > 0) throw new Error('POST /messages/search: the acknowledged message came back');
      return '[]';
    },
  );

  await exchangeFile(sender, recipient, topicId, tell, onProgress);

  await call<Channel>(
    'Bob admits Alice alone',
    recipient,
    ['PUT', '/channels/from-alice'],
    { type: 'sub', topics: [topicId], dids: [sender.did], roles: [], enforced: true },
    ({ fqcn }) => `channel ${fqcn}`,
  );
  const third = await logIn('Carol');
  const code = await refusalOf(third, messageTo(recipient.did, topicId));
  tell('Carol sends Bob a message: he refuses', 'POST /messages', 200, code);
  return { sender, recipient, topicId };
}

/** The code by which a recipient refuses, once its channel counts on every instance: within two seconds. */
async function refusalOf(participant: ParticipantClient, message: object): Promise<string> {
  const endsAt = Date.now() + channelPatienceMs;
  for (;;) {
    const { body } = await participant.request<Published>('POST', '/messages', message);
    const code = body.status[0]?.details[0]?.err?.code;
    if (code === 'MB::CHANNEL_RESTRICTED') return code;
    if (Date.now() > endsAt) throw new Error('POST /messages: an enforced channel did not refuse a stranger');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Two lines to paste into a shell: one sends another message, one fetches it. */
export function curlLines(baseUrl: string, { sender, recipient, topicId }: Exchange): readonly string[] {
  const line = (participant: ParticipantClient, path: string, body: unknown) =>
    [
      `curl -sS ${baseUrl}${path}`,
      `-H 'Authorization: Bearer ${participant.accessToken}'`,
      `-H 'Content-Type: application/json'`,
      `-d '${JSON.stringify(body)}'`,
    ].join(' ');
  return [
    line(sender, '/messages', messageTo(recipient.did, topicId)),
    line(recipient, '/messages/search', { clientId: 'my-terminal', topicId: [topicId], amount: 10 }),
  ];
}

function messageTo(did: string, topicId: string) {
  return {
    fqcns: [did],
    topicId,
    topicVersion: '1.0.0',
    payload: greeting,
    payloadEncryption: false,
    // Opaque to the broker: participants verify each other's signatures.
    signature: 'not-signed-in-this-demo',
    clientGatewayMessageId: randomUUID(),
  };
}
