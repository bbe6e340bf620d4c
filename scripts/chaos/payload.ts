// The payload of a publication: a text that follows from its number, of as many bytes as the plan says.

import { createHash } from 'node:crypto';
import type { Publication } from './plan';

export function payloadOf({ number, clientGatewayMessageId, bytes }: Publication): string {
  const line = `${number} ${clientGatewayMessageId} "\\ `;
  return line.repeat(Math.ceil(bytes / line.length)).slice(0, Math.max(bytes, line.length));
}

export const digestOf = (payload: string): string => createHash('sha256').update(payload).digest('hex');
