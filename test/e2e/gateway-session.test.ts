// How an existing gateway stays logged in: as a reaction to 401, often many times at once.

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { ClientGateway } from '../support/gateway/client-gateway';
import { type Deployment, startDeployment } from '../support/gateway/deployment';
import type { Exchange } from '../support/gateway/wire';

jest.setTimeout(60_000);

describe('the session of an existing gateway', () => {
  let broker: Deployment;
  const health = { method: 'GET', path: '/config' } as const;
  const steps = (exchanges: readonly Exchange[]) =>
    exchanges.map(({ method, path, status }) => `${method} ${path} ${status}`);
  const inParallel = (gateway: ClientGateway, count: number) =>
    Promise.all(Array.from({ length: count }, () => gateway.session.call(health)));

  beforeAll(async () => {
    broker = await startDeployment();
  }, 60_000);
  afterAll(() => broker.stop());

  it('begins with the token null, and logs in because it is told 401', async () => {
    const gateway = broker.createGateway();
    expect((await gateway.start()).msgMaxSize).toBeGreaterThanOrEqual(2 ** 21);
    expect(steps(gateway.wire.exchanges)).toEqual([
      'POST /channel/initExtChannel 401',
      'POST /auth/login 200',
      'POST /channel/initExtChannel 200',
      'GET /config 200',
    ]);
    expect(gateway.wire.exchanges[0]?.authorization).toBe('Bearer null');
  });

  it('survives that twenty first calls at once all log in, within one second', async () => {
    const gateway = broker.createGateway();
    await inParallel(gateway, 20);
    const logins = gateway.wire.exchanges.filter(({ path }) => path.startsWith('/auth/'));
    expect(logins.length).toBeGreaterThanOrEqual(20);
    expect(logins.every(({ status }) => status === 200)).toBe(true);
  });

  it('survives that twenty calls at once all refresh with the same refresh token', async () => {
    const gateway = broker.createGateway();
    await gateway.start();
    gateway.session.spoilAccessToken();
    gateway.wire.exchanges.splice(0);
    await inParallel(gateway, 20);
    const renewals = gateway.wire.exchanges.filter(({ path }) => path.startsWith('/auth/'));
    expect(renewals.length).toBeGreaterThanOrEqual(20);
    expect(renewals.every(({ path, status }) => path === '/auth/refresh-token' && status === 200)).toBe(true);
    await gateway.session.call(health);
    expect(gateway.wire.exchanges.at(-1)?.status).toBe(200);
  });

  it('logs in anew when its refresh token is no longer good', async () => {
    const gateway = broker.createGateway();
    await gateway.start();
    gateway.session.spoilTokens();
    gateway.wire.exchanges.splice(0);
    await gateway.session.call(health);
    expect(steps(gateway.wire.exchanges)).toEqual([
      'GET /config 401',
      'POST /auth/refresh-token 401',
      'POST /auth/login 200',
      'GET /config 200',
    ]);
  });

  it('goes on as the same participant after a restart', async () => {
    const gateway = broker.createGateway();
    await gateway.start();
    const restarted = gateway.restarted();
    await restarted.start();
    expect(await restarted.roles.isRegistered(gateway.did)).toBe(true);
    expect(restarted.wire.exchanges[0]?.authorization).toBe('Bearer null');
  });

  it('is not stopped by a call that the broker refuses', async () => {
    const gateway = broker.createGateway();
    await gateway.start();
    const refused = gateway.json({ method: 'GET', path: '/topics/ffffffffffffffffffffffff' });
    await expect(refused).rejects.toMatchObject({ kind: 'refused', status: 404 });
    const notThere = gateway.json({ method: 'GET', path: '/nothing/of/this/kind' });
    await expect(notThere).rejects.toMatchObject({ kind: 'refused', status: 404 });
    expect(gateway.session.isStopped).toBe(false);
    await gateway.session.call(health);
  });
});
