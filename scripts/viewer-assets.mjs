// Copies the files of the packaged API viewer that GET /docs serves; the allow-list is in
// shared/http/docs-page.ts and a test compares the two. The licence goes with them.
import { copyFile, mkdir, rename } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const source = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

export const viewerFiles = [
  'swagger-ui-bundle.js',
  'swagger-ui.css',
  'favicon-32x32.png',
  'LICENSE',
  'NOTICE',
  'swagger-ui-bundle.js.LICENSE.txt',
];

/** Copies them into `directory`, which is `dist/viewer` in the built app; put in place by renaming, as all of it. */
export async function copyViewer(directory) {
  await mkdir(directory, { recursive: true });
  await Promise.all(
    viewerFiles.map(async (name) => {
      const partial = join(directory, `${name}.${process.pid}.partial`);
      await copyFile(join(source, name), partial);
      await rename(partial, join(directory, name));
    }),
  );
}
