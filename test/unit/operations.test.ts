// Health asks every backend at once within a deadline, names the one that fails and nothing more, and is asked as
// often as anybody likes at no cost; the configuration tells the limits.

import { describe, expect, it } from '@jest/globals';
import { HttpRequest } from '@azure/functions';
import { operationsRoutes } from '../../functions/operations';
import type { Call } from '../../shared/http/route';
import { createHealth, type HealthCheck } from '../../shared/operations/health';

const up = (name: string): HealthCheck => ({ name, check: () => Promise.resolve() });
const down = (name: string, reason = new Error('down')): HealthCheck => ({
  name,
  check: () => Promise.reject(reason),
});
const hanging = (name: string): HealthCheck => ({ name, check: () => new Promise<void>(() => undefined) });

function healthOf(
  checks: readonly HealthCheck[],
  { clock = (): number => 0, deadlineMs = 20, keptMs = 1_000 } = {},
) {
  const logged: unknown[] = [];
  const health = createHealth({
    checks,
    clock,
    deadlineMs,
    keptMs,
    log: (level, event, fields) => logged.push({ level, event, fields }),
  });
  return { health, logged };
}

const statuses = (report: { checks: readonly { name: string; status: string }[] }) =>
  report.checks.map(({ name, status }) => `${name} ${status}`);

describe('createHealth', () => {
  it('is UP when every check passes, and when there is none', async () => {
    expect(await healthOf([up('nats'), up('sql')]).health()).toEqual({
      status: 'UP',
      checks: [
        { name: 'nats', status: 'UP', durationMs: 0 },
        { name: 'sql', status: 'UP', durationMs: 0 },
      ],
    });
    expect((await healthOf([]).health()).status).toBe('UP');
  });

  it('names the check that fails and leaves the others alone', async () => {
    const report = await healthOf([up('nats'), down('sql'), up('blob')]).health();
    expect(report.status).toBe('DOWN');
    expect(statuses(report)).toEqual(['nats UP', 'sql DOWN', 'blob UP']);
  });

  it('keeps the reason for the log', async () => {
    const { health, logged } = healthOf([down('sql', new Error('login failed for user broker'))]);
    expect(JSON.stringify(await health())).not.toContain('login');
    expect(logged).toMatchObject([{ level: 'warn', fields: { check: 'sql' } }]);
  });

  it('counts a check that does not end before the deadline as DOWN', async () => {
    expect(statuses(await healthOf([hanging('nats'), up('sql')]).health())).toEqual(['nats DOWN', 'sql UP']);
  });

  it('counts a check that throws at once as DOWN', async () => {
    const throwing: HealthCheck = {
      name: 'blob',
      check: () => {
        throw new Error('not a connection string');
      },
    };
    expect(statuses(await healthOf([throwing]).health())).toEqual(['blob DOWN']);
  });

  it('asks the backends once for a flood of calls, and again after the answer has aged', async () => {
    let asked = 0;
    let nowMs = 0;
    const counting: HealthCheck = {
      name: 'nats',
      check: () => {
        asked += 1;
        return Promise.resolve();
      },
    };
    const { health } = healthOf([counting], { clock: () => nowMs });
    await Promise.all(Array.from({ length: 1_000 }, () => health()));
    nowMs = 999;
    await health();
    expect(asked).toBe(1);
    nowMs = 1_000;
    await health();
    expect(asked).toBe(2);
  });

  it('does not start a check again that still hangs', async () => {
    let started = 0;
    const stuck: HealthCheck = {
      name: 'nats',
      check: () => {
        started += 1;
        return new Promise<void>(() => undefined);
      },
    };
    const { health } = healthOf([stuck], { keptMs: 0 });
    await health();
    await health();
    expect(started).toBe(1);
  });

  it('asks anew when a check that was slow has ended', async () => {
    let finish: () => void = () => undefined;
    const slow: HealthCheck = {
      name: 'sql',
      check: () => new Promise<void>((resolve) => (finish = resolve)),
    };
    const { health } = healthOf([slow], { keptMs: 0 });
    expect((await health()).status).toBe('DOWN');
    finish();
    await Promise.resolve();
    const again = health();
    finish();
    expect((await again).status).toBe('UP');
  });

  it('says how long each check took', async () => {
    let nowMs = 0;
    const taking: HealthCheck = {
      name: 'nats',
      check: () => {
        nowMs += 7;
        return Promise.resolve();
      },
    };
    expect((await healthOf([taking], { clock: () => nowMs }).health()).checks[0]?.durationMs).toBe(7);
  });
});

describe('the operations routes', () => {
  const routesWith = (status: 'UP' | 'DOWN') =>
    operationsRoutes({
      routes: () => [],
      health: () => Promise.resolve({ status, checks: [] }),
      defaultRetentionMs: 3_600_000,
      viewerDirectory: '/nowhere',
    });
  const get = async (path: string, status: 'UP' | 'DOWN' = 'UP') => {
    const target = routesWith(status).find((one) => one.path === path);
    return target?.handle({ request: new HttpRequest({ method: 'GET', url: 'http://broker/' }) } as Call);
  };

  it('answers health with 200 or 503', async () => {
    expect((await get('health', 'UP'))?.status).toBe(200);
    expect((await get('health', 'DOWN'))?.status).toBe(503);
  });

  it('tells the limits in the units that gateways expect', async () => {
    expect((await get('config'))?.json).toEqual({
      msgExpired: 3_600_000,
      msgMaxSize: 2_097_152,
      fileMaxSize: 100_000_000,
      natsMaxClientidSize: 255,
    });
  });

  it('asks for a token for the configuration only', () => {
    const open = routesWith('UP').filter((one) => one.access === 'public');
    expect(open.map((one) => one.path)).toEqual(['health', 'openapi.json', 'docs', 'docs/{asset}']);
  });
});
