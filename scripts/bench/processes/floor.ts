// The floor: the least that a broker on Node could do with a publish. A bare HTTP handler that parses the body,
// validates it with ajv and publishes it to JetStream on one connection.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Ajv from 'ajv';
import { connect, nanos } from 'nats';
import { serve } from '../child';

export interface FloorRequest {
  readonly natsUrl: string;
}

/** Port on which it listens. */
export type FloorReply = number;

const stream = 'BENCH_FLOOR';

const isPublish = new Ajv().compile<{ fqcns: string[]; topicId: string; clientGatewayMessageId: string }>({
  type: 'object',
  required: ['fqcns', 'payload', 'topicId', 'topicVersion', 'signature', 'clientGatewayMessageId'],
  properties: {
    fqcns: { type: 'array', items: { type: 'string', minLength: 1, maxLength: 200 } },
    payload: { type: 'string' },
    topicId: { type: 'string', pattern: '^[0-9a-f]{24}$' },
    topicVersion: { type: 'string' },
    signature: { type: 'string' },
    clientGatewayMessageId: { type: 'string' },
    payloadEncryption: { type: 'boolean' },
  },
});

export function runFloorProcess(): void {
  serve(async ({ natsUrl }: FloorRequest): Promise<FloorReply> => {
    const connection = await connect({ servers: natsUrl });
    const manager = await connection.jetstreamManager();
    await manager.streams.add({ name: stream, subjects: ['floor.>'], duplicate_window: nanos(120_000) });
    const jetStream = connection.jetstream();

    const handle = async (body: Buffer, response: ServerResponse): Promise<void> => {
      const request: unknown = JSON.parse(body.toString());
      if (!isPublish(request)) {
        response.writeHead(400).end();
        return;
      }
      const recipient = request.fqcns[0] ?? '';
      const ack = await jetStream.publish(`floor.${recipient.replaceAll(':', '_')}.${request.topicId}`, body);
      const answer = JSON.stringify({
        clientGatewayMessageId: request.clientGatewayMessageId,
        recipients: { total: 1, sent: 1, failed: 0 },
        status: [
          { name: 'SENT', details: [{ did: recipient, messageId: String(ack.seq), statusCode: 200 }] },
        ],
      });
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) })
        .end(answer);
    };
    const server = createServer((request: IncomingMessage, response: ServerResponse) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        handle(Buffer.concat(chunks), response).catch(() => response.writeHead(500).end());
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  });
}
