// The alerts and the workbook ask for log lines that the program writes, under the names under which it writes them.

import { describe, expect, it } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createLog } from '../../../shared/log';
import { runRetention } from '../../../shared/retention';
import { readDocument } from '../../support/doc-table';

const root = resolve(__dirname, '../../..');
const program = ['functions', 'shared']
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readDocument(join(folder, name))),
  )
  .join('\n');
const queries = ['infra/bicep/modules/alerts.bicep', 'infra/bicep/workbook.json']
  .map(readDocument)
  .join('\n');
const matches = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, ...groups]) => groups);

describe('what the queries ask for', () => {
  it('are events that the program writes', () => {
    const written = new Set(matches(program, /\blog\(\s*'\w+',\s*'([^']+)'/g).flat());
    const asked = matches(queries, /line\.event == ["']([^"']+)["']/g).flat();
    expect(new Set(asked).size).toBeGreaterThan(2);
    expect(asked.filter((event) => !written.has(event))).toEqual([]);
  });

  it('are fields of the lines of a retention run', async () => {
    const asked = matches(queries, /line\.steps\[["']([^"']+)["']\]\.(\w+)/g);
    expect(asked.length).toBeGreaterThan(1);
    for (const [step = '', field = ''] of asked) {
      const lines: string[] = [];
      // The step as the program names it, with the counts that stand beside its name.
      const [declared = ''] = new RegExp(`name: '${step}',[\\s\\S]{0,200}`).exec(program) ?? [];
      expect(declared).not.toBe('');
      const counts = Object.fromEntries(
        matches(declared, /\(\{ (\w+):/g)
          .flat()
          .map((name) => [name, 1]),
      );
      await runRetention({
        steps: [{ name: step, share: 1, run: () => Promise.resolve(counts) }],
        budgetMs: 1_000,
        clock: () => 0,
        log: createLog('info', (_level, line) => lines.push(line)),
      });
      expect(JSON.parse(lines[0] ?? '')).toMatchObject({
        event: 'retention run',
        level: 'info',
        budgetMs: 1_000,
        steps: { [step]: { [field]: expect.any(Number) } },
      });
    }
  });

  it('reach Application Insights: no line of the program is sampled away or below the level', () => {
    const { logging } = JSON.parse(readDocument('host.json')) as {
      logging: {
        logLevel: Record<string, string>;
        applicationInsights: { samplingSettings: { excludedTypes: string } };
      };
    };
    // What a worker writes with console.*.
    expect(logging.logLevel['Host.Function.Console']).toBe('Information');
    expect(logging.applicationInsights.samplingSettings.excludedTypes.split(';')).toContain('Trace');
  });
});
