// Requests as text, ready to be written to a socket: what a request costs the generator is a write.

/** What acknowledging takes, short of what names the messages. */
export interface AcknowledgeTemplate {
  /** Up to the length of the body. */
  readonly head: string;
  /** Up to the names. */
  readonly bodyStart: string;
  /** Field of the answer to the fetch that names a message. */
  readonly field: 'messageId' | 'leaseToken';
  /** What the answer has in it when all went well. */
  readonly expect: string;
}

export function postRequest(path: string, token: string, body: object): string {
  const text = JSON.stringify(body);
  return `${headOf(path, token)}${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

/** Of a search, by ids. */
export function acknowledgeTemplate(token: string, clientId: string): AcknowledgeTemplate {
  return {
    head: headOf('/messages/ack', token),
    bodyStart: `{"clientId":${JSON.stringify(clientId)},"messageIds":`,
    field: 'messageId',
    expect: '"notFound":[]',
  };
}

/** Of a receive, by lease tokens. */
export function leaseTemplate(token: string, clientId: string): AcknowledgeTemplate {
  return {
    head: headOf(`/clients/${clientId}/acknowledge`, token),
    bodyStart: '{"leaseTokens":',
    field: 'leaseToken',
    expect: '"failed":[]',
  };
}

/** @param names the texts of a JSON array, quoted and with their commas */
export function acknowledgeRequest({ head, bodyStart }: AcknowledgeTemplate, names: string): string {
  const body = `${bodyStart}[${names}]}`;
  return `${head}${body.length}\r\n\r\n${body}`;
}

/** The headers that a gateway sends (contract §1), the length left open. */
function headOf(path: string, token: string): string {
  return [
    `POST ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    'X-Request-Id: null',
    'Content-Length: ',
  ].join('\r\n');
}
