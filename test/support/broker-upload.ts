// A file sent through the broker as gateways do, from tests that call handlers: a form of texts.

import type { BrokerAnswer, Participant } from './broker';
import type { PublishAnswer } from './broker-messages';
import { uploadTexts } from './multipart';

/** A small text file as a form. */
export function formOf(
  recipients: readonly string[],
  topicId: string,
  fields: Readonly<Record<string, string | undefined>> = {},
): { readonly body: string; readonly headers: Readonly<Record<string, string>> } {
  const boundary = 'boundary-of-the-form';
  const parts = [
    `name="file"; filename="readings.csv"\r\nContent-Type: text/csv\r\n\r\na,b\n1,2\n`,
    ...uploadTexts(recipients, topicId, fields).map(
      (part) => `name="${part.name}"\r\n\r\n${'text' in part ? part.text : ''}`,
    ),
  ].map((part) => `--${boundary}\r\nContent-Disposition: form-data; ${part}\r\n`);
  return {
    body: `${parts.join('')}--${boundary}--\r\n`,
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
  };
}

/** Uploads a small text file. */
export function uploadFile(
  sender: Participant,
  ...form: Parameters<typeof formOf>
): Promise<BrokerAnswer<PublishAnswer>> {
  const { body, headers } = formOf(...form);
  return sender.request<PublishAnswer>('POST', '/messages/upload', body, sender.accessToken, headers);
}
