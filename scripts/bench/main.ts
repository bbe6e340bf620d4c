// npm run bench: measures the broker beside a floor, on a stack of its own, and prints one table (design §12).

import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runCommand } from '../stack/lifetime';
import { Bench } from './bench';
import { processNamed } from './child';
import { runAbuserProcess } from './processes/abuser';
import { runFloorProcess } from './processes/floor';
import { runHandlersProcess } from './processes/handlers';
import { runLoadAppProcess } from './processes/load-app';
import { runLoadProcess } from './processes/load';
import { runRetentionProcess } from './processes/retention';
import { printResult } from './report';
import { runSuite, type SuiteResult } from './run-suite';
import { suites } from './suites';
import type { Suite } from './suite';

/** What the command starts itself as. */
const processes: Readonly<Record<string, () => void>> = {
  abuser: runAbuserProcess,
  floor: runFloorProcess,
  handlers: runHandlersProcess,
  load: runLoadProcess,
  'load-app': runLoadAppProcess,
  retention: runRetentionProcess,
};

const named = processes[processNamed(process.argv.slice(2)) ?? ''];
if (named) named();
else {
  runCommand(async (lifetime) => {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'string' },
        only: { type: 'string', multiple: true, default: [] },
        profile: { type: 'string' },
        quick: { type: 'boolean', default: false },
      },
    });
    const chosen = chooseSuites(positionals);
    const names = chosen.flatMap(({ checks, rows, curves }) => [...checks, ...rows, ...curves]);
    const unknown = values.only.find((only) => !names.some(({ name }) => name === only));
    if (unknown !== undefined) {
      throw new Error(`--only ${unknown}: one of ${names.map(({ name }) => name).join(', ')}`);
    }
    const startedAt = performance.now();
    const bench = await Bench.start({
      roundSeconds: values.quick ? 1 : 3,
      quick: values.quick,
      profileDirectory: values.profile === undefined ? undefined : resolve(values.profile),
      // Apart from the table, so that a file gets the table alone.
      progress: (what) => {
        console.error(`${((performance.now() - startedAt) / 1_000).toFixed(0).padStart(4)} s  ${what}`);
      },
    });
    lifetime.onStop(() => bench.stop());
    const results: SuiteResult[] = [];
    for (const suite of chosen) {
      const result = await runSuite(
        suite,
        bench,
        values.quick ? 1 : 3,
        (name) => values.only.length === 0 || values.only.includes(name),
      );
      printResult(result, (line) => {
        console.log(line);
      });
      results.push(result);
    }
    if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(results, null, 2)}\n`);
    console.log(`\n${((performance.now() - startedAt) / 1_000).toFixed(0)} s in all.`);
  });
}

function chooseSuites(asked: readonly string[]): readonly Suite[] {
  if (asked.length === 0) return [suites[0]];
  return asked.map((name) => {
    const suite = suites.find((known) => known.name === name);
    if (!suite) throw new Error(`bench ${name}: one of ${suites.map((known) => known.name).join(', ')}`);
    return suite;
  });
}
