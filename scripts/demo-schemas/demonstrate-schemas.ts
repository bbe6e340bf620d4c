// Publishes good and bad payloads to topics of all types, and tries new versions; tells each verdict in a line.

import { randomBytes, randomUUID } from 'node:crypto';
import type { ParticipantClient } from '../../client';
import { demoOwner } from '../guided/guided-exchange';
import { changes, type SchemaSample, samples } from './samples';

interface Problem {
  readonly code?: string;
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
}
interface Report {
  readonly verdict: string;
  readonly findings: readonly {
    readonly pointer: string;
    readonly reason: string;
    readonly witness: string;
    readonly acceptedBy: string;
  }[];
}

/** @returns how many verdicts are not as expected */
export async function demonstrateSchemas(
  participant: ParticipantClient,
  say: (line: string) => void,
): Promise<number> {
  let wrong = 0;
  const tell = (cells: readonly string[], isExpected: boolean) => {
    if (!isExpected) wrong++;
    say(row([isExpected ? 'ok' : 'WRONG', ...cells]));
  };

  say('Payloads, published in clear:\n');
  say(row(['', 'type', 'payload', 'verdict', 'where and why']));
  const topics = new Map<string, string>();
  for (const sample of samples) {
    const topicId = await createTopic(participant, sample);
    topics.set(sample.schemaType, topicId);
    for (const [name, payload] of [
      ['good', sample.good],
      ['bad', sample.bad],
    ] as const) {
      const { verdict, why } = await publish(participant, topicId, payload);
      const expected = name === 'good' ? 'accepted' : 'schema-violation';
      tell([sample.schemaType, name, verdict, why], verdict === expected);
    }
  }

  say('\nNew versions, tried against version 1.0.0:\n');
  say(row(['', 'type', 'change', 'verdict', 'where and why']));
  for (const { schemaType, title, schema, expected } of changes) {
    const path = `/topics/${topics.get(schemaType) ?? ''}/compatibility`;
    const { body } = await participant.request<Report>('POST', path, { schema, mode: 'BACKWARD' });
    const [finding] = body.findings;
    tell(
      [schemaType, title, body.verdict, finding ? `${finding.pointer}: ${finding.reason}` : ''],
      body.verdict === expected && (expected !== 'incompatible' || finding !== undefined),
    );
    if (finding) {
      say(
        `${' '.repeat(10)}witness, accepted by the ${finding.acceptedBy} version: ${JSON.stringify(finding.witness)}`,
      );
    }
  }
  say('');
  return wrong;
}

async function createTopic(participant: ParticipantClient, sample: SchemaSample): Promise<string> {
  const { schemaType, schema } = sample;
  const name = `demo-${schemaType.toLowerCase()}-${randomBytes(4).toString('hex')}`;
  const topic = { name, owner: demoOwner, schemaType, schema, version: '1.0.0', tags: ['demo'] };
  const { status, body } = await participant.request<{ id: string }>('POST', '/topics', topic);
  if (status !== 200) throw new Error(`POST /topics answered ${status}: ${JSON.stringify(body)}`);
  return body.id;
}

/** To the participant itself; the broker validates before it looks at recipients. */
async function publish(
  participant: ParticipantClient,
  topicId: string,
  payload: string,
): Promise<{ readonly verdict: string; readonly why: string }> {
  const { status, body } = await participant.request<Problem>('POST', '/messages', {
    fqcns: [participant.did],
    ...{ topicId, topicVersion: '1.0.0', payload, payloadEncryption: false },
    // Opaque to the broker: participants verify each other's signatures.
    signature: 'not-signed-in-this-demo',
    clientGatewayMessageId: randomUUID(),
  });
  if (status === 200) return { verdict: 'accepted', why: '' };
  const [fault] = body.errors ?? [];
  return { verdict: body.code ?? String(status), why: fault ? `${fault.field}: ${fault.message}` : '' };
}

function row([mark = '', type = '', what = '', verdict = '', why = '']: readonly string[]): string {
  return `${mark.padEnd(6)}${type.padEnd(6)}${what.padEnd(30)}${verdict.padEnd(18)}${why}`.trimEnd();
}
