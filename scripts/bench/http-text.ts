// Requests as text, ready to be written to a socket: what a request costs the generator is a write.

/** What acknowledging takes, short of the ids. */
export interface AcknowledgeTemplate {
  /** Up to the length of the body. */
  readonly head: string;
  /** Up to the ids. */
  readonly bodyStart: string;
}

export function postRequest(path: string, token: string, body: object): string {
  const text = JSON.stringify(body);
  return `${headOf(path, token)}${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

export function acknowledgeTemplate(token: string, clientId: string): AcknowledgeTemplate {
  return {
    head: headOf('/messages/ack', token),
    bodyStart: `{"clientId":${JSON.stringify(clientId)},"messageIds":`,
  };
}

/** @param ids the ids of a JSON array, quoted and with their commas */
export function acknowledgeRequest({ head, bodyStart }: AcknowledgeTemplate, ids: string): string {
  const body = `${bodyStart}[${ids}]}`;
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
