// Asks the Bicep compiler, the authority on Bicep: it builds and lints every file, and whatever it says counts.

import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The rules are those of bicepconfig.json beside the files. */
const runs: readonly (readonly string[])[] = [
  ['build', '--pattern', '**/*.bicep', '--outdir'],
  ['build-params', '--pattern', '**/*.bicepparam', '--outdir'],
  ['lint', '--pattern', '**/*.bicep'],
];

/**
 * @param cli the Bicep CLI
 * @param folder that is compiled
 * @param fileCount how many files there are to build
 * @returns what it complains of, one line each; nothing when all is well
 */
export async function compile(cli: string, folder: string, fileCount: number): Promise<readonly string[]> {
  const built = mkdtempSync(join(tmpdir(), 'broker-bicep-'));
  try {
    const complaints = await Promise.all(
      runs.map((args) => run(cli, args.at(-1) === '--outdir' ? [...args, built] : args, folder)),
    );
    const found = new Set(complaints.flat());
    const count = readdirSync(built, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.json'),
    ).length;
    if (!found.size && count !== fileCount) found.add(`${count} of ${fileCount} files were built`);
    return [...found];
  } finally {
    rmSync(built, { recursive: true, force: true });
  }
}

function run(cli: string, args: readonly string[], cwd: string): Promise<readonly string[]> {
  return new Promise((done) => {
    execFile(cli, args, { cwd, encoding: 'utf8' }, (error, stdout, stderr) => {
      const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => /: (Warning|Error|Info) /.test(line));
      done(error && !lines.length ? [`bicep ${args.join(' ')}: ${stderr.trim() || error.message}`] : lines);
    });
  });
}
