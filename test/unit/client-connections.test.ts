// What a function is told of the client that waits for its answer.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ClientConnections } from '../../shared/http/client-connections';
import { invocationHeader } from '../support/broker';
import { departingClient } from '../support/departing-client';

let clientConnections: ClientConnections;

beforeEach(() => {
  clientConnections = new ClientConnections();
});
afterEach(() => clientConnections.close());

const idOf = ({ headers }: { readonly headers: Readonly<Record<string, string>> }): string =>
  headers[invocationHeader] ?? '';

describe('the signal of an invocation', () => {
  it('is aborted when the client goes away', () => {
    const client = departingClient();
    const signal = clientConnections.signalOf(idOf(client));
    expect(signal.aborted).toBe(false);
    client.leave();
    expect(signal.aborted).toBe(true);
  });

  it('is aborted from the beginning when the client went away before the function asked', () => {
    const client = departingClient();
    client.leave();
    expect(clientConnections.signalOf(idOf(client)).aborted).toBe(true);
  });

  it('is never aborted for an invocation that the HTTP server has not told of', () => {
    expect(clientConnections.signalOf('unknown').aborted).toBe(false);
  });

  it('is that of its own client', () => {
    const [one, other] = [departingClient(), departingClient()];
    const signals = [clientConnections.signalOf(idOf(one)), clientConnections.signalOf(idOf(other))];
    other.leave();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, true]);
  });
});
