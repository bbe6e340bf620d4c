// npm run demo:schemas as its users run it: every verdict as expected, and nothing left behind.

import { expect, it } from '@jest/globals';
import { runBuiltCommand } from '../support/command';

it('shows a good and a bad payload for each type, and new versions with their witnesses', async () => {
  const command = runBuiltCommand('demo-schemas', []);
  expect([await command.ended, command.stderr()]).toEqual([0, expect.any(String)]);
  const lines = command.stdout().split('\n');
  const verdicts = lines.filter((line) => /^(ok|WRONG) /.test(line)).map((line) => line.split(/\s{2,}/));
  expect(verdicts.map(([mark]) => mark)).toEqual(Array(16).fill('ok'));
  for (const type of ['JSD7', 'XSD6', 'XML', 'CSV', 'TSV']) {
    expect(
      verdicts.filter(([, one]) => one === type).map(([, , payload, verdict]) => [payload, verdict]),
    ).toEqual(
      expect.arrayContaining([
        ['good', 'accepted'],
        ['bad', 'schema-violation'],
      ]),
    );
  }
  expect(command.stdout()).toContain('witness, accepted by the old version: "{\\"product\\"');
  expect(lines.at(-2)).toBe('Every verdict is as expected.');
}, 60_000);

it('fails in one line when no broker answers', async () => {
  const command = runBuiltCommand('demo-schemas', ['--url', 'http://127.0.0.1:9']);
  expect(await command.ended).toBe(1);
  expect(command.stderr().trim().split('\n')).toHaveLength(1);
}, 30_000);
