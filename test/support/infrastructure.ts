// The Bicep files of the repository, parsed; with changes made to them in memory, for tests that break them.

import { resolve } from 'node:path';
import { createParser, type ReadText, readFrom } from '../../scripts/check-infra/parse';
import { Workspace } from '../../scripts/check-infra/symbols';

const root = resolve(__dirname, '../..');

/** @param change gets each file's path and text and gives the text that is looked at instead */
export async function openInfrastructure(
  change: (path: string, text: string) => string = (_path, text) => text,
): Promise<Workspace> {
  const readFile = readFrom(root);
  const read: ReadText = (path) => change(path, readFile(path));
  return new Workspace(root, await createParser(root, read), read);
}
