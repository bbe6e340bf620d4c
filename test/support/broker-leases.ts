// Receiving and settling as tests do it: defaults for every field, and the answer's body, or an error that shows the
// answer when it was not 200.

import type { Participant } from './broker';
import type { Fields, FoundMessage } from './broker-messages';

export interface LeasedAnswer {
  readonly leaseToken: string;
  readonly deliveryCount: number;
  readonly leaseExpiresAt: string;
  readonly message: Omit<FoundMessage, 'payload'> & {
    readonly payload?: string;
    readonly payloadReference?: {
      readonly url: string;
      readonly expiresAt: string;
      readonly length: number;
      readonly sha256: string;
    };
  };
}

export interface SettleAnswer {
  readonly succeeded: readonly string[];
  readonly failed: readonly { readonly leaseToken: string; readonly code: string; readonly detail: string }[];
}

export async function receive(
  participant: Participant,
  clientId: string,
  fields: Fields = {},
): Promise<readonly LeasedAnswer[]> {
  const path = `/clients/${encodeURIComponent(clientId)}/receive`;
  const answer = await participant.request<{ messages: readonly LeasedAnswer[] }>('POST', path, fields);
  if (answer.status !== 200) throw new Error(`POST ${path} answered ${answer.status}: ${answer.text}`);
  return answer.body.messages;
}

export async function settle(
  participant: Participant,
  clientId: string,
  action: 'acknowledge' | 'release' | 'reject' | 'renew',
  leases: readonly (LeasedAnswer | string)[],
  fields: Fields = {},
): Promise<SettleAnswer> {
  const path = `/clients/${encodeURIComponent(clientId)}/${action}`;
  const leaseTokens = leases.map((lease) => (typeof lease === 'string' ? lease : lease.leaseToken));
  const answer = await participant.request<SettleAnswer>('POST', path, { leaseTokens, ...fields });
  if (answer.status !== 200) throw new Error(`POST ${path} answered ${answer.status}: ${answer.text}`);
  return answer.body;
}
