// Who has gone: what a function is told of the client that waits for its answer.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Departures } from '../../shared/http/departures';
import { invocationHeader } from '../support/broker';
import { departingClient } from '../support/departing-client';

let departures: Departures;

beforeEach(() => {
  departures = new Departures();
});
afterEach(() => departures.close());

const idOf = ({ headers }: { readonly headers: Readonly<Record<string, string>> }): string =>
  headers[invocationHeader] ?? '';

describe('the signal of an invocation', () => {
  it('is aborted when the client goes away', () => {
    const client = departingClient();
    const signal = departures.signalOf(idOf(client));
    expect(signal.aborted).toBe(false);
    client.leave();
    expect(signal.aborted).toBe(true);
  });

  it('is aborted from the beginning when the client went away before the function asked', () => {
    const client = departingClient();
    client.leave();
    expect(departures.signalOf(idOf(client)).aborted).toBe(true);
  });

  it('is never aborted for an invocation that the HTTP server has not told of', () => {
    expect(departures.signalOf('unknown').aborted).toBe(false);
  });

  it('is that of its own client', () => {
    const [one, other] = [departingClient(), departingClient()];
    const signals = [departures.signalOf(idOf(one)), departures.signalOf(idOf(other))];
    other.leave();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, true]);
  });
});
