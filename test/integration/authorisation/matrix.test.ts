// The authorisation matrix: every route, called by everybody, on objects of one's own, of somebody else's and on none.
// What is expected stands in docs/authorisation.md. A route without a row fails, and so does a row without a route.

import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { authorisedCalls, type PreparedCall } from '../../support/authorisation/calls';
import { type Caller, callers, type Whose, World } from '../../support/authorisation/world';
import { type Azurite, startAzurite } from '../../support/azurite';
import { type BrokerSite, createBrokerSite } from '../../support/broker';
import { brokerRoutes } from '../../support/broker-routes';
import { readDocument, tableRows } from '../../support/doc-table';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(60_000);

interface Row {
  /** As the table names it. */
  readonly call: string;
  readonly object: string;
  readonly operationId: string;
  readonly whose: Whose;
}

const routes = brokerRoutes();
const rows: readonly Row[] = routes.flatMap(({ method, path, operationId }) => {
  const { whose = [], object = '' } = authorisedCalls[operationId] ?? {};
  return whose.map((one) => ({
    call: `\`${method} /${path}\``,
    object: one === '–' ? '–' : `${one} ${object}`,
    operationId,
    whose: one,
  }));
});
const documented = tableRows(readDocument('docs/authorisation.md')).filter(([call]) => call?.startsWith('`'));

describe('docs/authorisation.md', () => {
  test('has rows for every route, and no others', () => {
    const name = ([call, object]: readonly (string | undefined)[]): string => `${call} ${object}`;
    const uncalled = routes.filter(({ operationId }) => !authorisedCalls[operationId]);
    expect(uncalled.map(({ operationId }) => operationId)).toEqual([]);
    expect(documented.map(name).sort()).toEqual(rows.map(({ call, object }) => name([call, object])).sort());
  });
});

describe('who may do what', () => {
  let server: NatsServer;
  let azurite: Azurite;
  let site: BrokerSite;
  let world: World;

  beforeAll(async () => {
    [server, azurite] = await Promise.all([startNatsServer(), startAzurite()]);
    site = await createBrokerSite({ BLOB_CONNECTION_STRING: azurite.connectionString });
    world = await World.create(site, server.url);
  });

  afterAll(async () => {
    await site.close();
    await Promise.all([server.stop(), azurite.stop()]);
  });

  async function prepare({ operationId, whose }: Row): Promise<PreparedCall> {
    const call = await authorisedCalls[operationId]?.prepare(world, whose);
    if (!call) throw new Error(`there is no call for ${operationId}`);
    return call;
  }

  async function outcomeOf(
    operationId: string,
    { path, body, headers, outcome }: PreparedCall,
    caller: Caller,
  ): Promise<string> {
    const method = routes.find((route) => route.operationId === operationId)?.method ?? 'GET';
    const answer = await world.broker.request(method, path, body, world.tokenOf(caller), headers);
    const word = outcome && answer.status < 300 ? await outcome(answer) : undefined;
    return word === undefined ? String(answer.status) : `${answer.status} ${word}`;
  }

  test.each(rows.map((row) => [row.call, row.object, row] as const))('%s, %s', async (call, object, row) => {
    const expected = documented.find((cells) => cells[0] === call && cells[1] === object)?.slice(2) ?? [];
    const found: string[] = [];
    // Whoever is not let in changes nothing, so the next one finds the same object.
    let prepared: PreparedCall | undefined;
    for (const caller of callers) {
      prepared ??= await prepare(row);
      const outcome = await outcomeOf(row.operationId, prepared, caller);
      if (outcome.startsWith('2')) prepared = undefined;
      found.push(outcome);
    }
    const named = (cells: readonly string[]) =>
      Object.fromEntries(callers.map((caller, index) => [caller, cells[index]]));
    expect(named(found)).toEqual(named(expected));
  });
});
