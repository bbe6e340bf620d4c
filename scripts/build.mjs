// Builds the deployment bundle dist/main.js, the jobs of a deployment and the developer commands in dist/scripts/.
// Files are put in place by renaming, so that a broker that runs from dist/ never sees half a file.

import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { build } from 'esbuild';
import { copyViewer } from './viewer-assets.mjs';

const root = process.cwd();

/** @type {import('esbuild').BuildOptions} */
const shared = {
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'cjs',
  sourcemap: 'linked',
  write: false,
  logLevel: 'warning',
  legalComments: 'none',
  external: [
    // Supplied by Azure's worker.
    '@azure/functions-core',
    // Loads its WebAssembly with top-level await (design §11).
    'libxml2-wasm',
    // Imported by storage-blob only for listings in Arrow format, which nothing here asks for; 250 KB.
    'apache-arrow',
    // Tables of East Asian code pages in iconv-lite, for columns that are not Unicode: there are none. 450 KB.
    './tables/*.json',
  ],
};

/** Packages that are loaded at their first use only, and the bundles of their own in which they wait for it. */
const storePackages = new Map([
  ['@azure/storage-blob', 'storage-blob'],
  ['@azure/identity', 'identity'],
  ['mssql', 'mssql'],
]);

/**
 * Leaves the packages of the stores out of what asks for them: half of all code, which V8 would read at every start.
 * @type {import('esbuild').Plugin}
 */
const storePackagesApart = {
  name: 'store-packages-apart',
  setup: (bundler) => {
    bundler.onResolve({ filter: /^(@azure\/storage-blob|@azure\/identity|mssql)$/ }, ({ path, kind }) =>
      kind === 'entry-point' ? undefined : { path: `./${storePackages.get(path)}.js`, external: true },
    );
  },
};

await Promise.all([
  bundle({
    entryPoints: ['functions/index.ts'],
    outfile: 'dist/main.js',
    minify: true,
    plugins: [storePackagesApart],
  }),
  bundle({
    entryPoints: Object.fromEntries([...storePackages].map(([name, file]) => [file, name])),
    outdir: 'dist',
    minify: true,
    plugins: [storePackagesApart],
  }),
  bundle({
    entryPoints: ['shared/adapters/schema/schema-worker.ts'],
    outfile: 'dist/schema-worker.mjs',
    format: 'esm',
    // A module may wait for the WebAssembly, so the thread brings all it needs along.
    external: [],
    minify: true,
  }),
  // The jobs of a deployment run where there is nothing but Node.
  bundle({
    entryPoints: ['scripts/deploy/jobs.ts'],
    outfile: 'dist/deploy/jobs.cjs',
    minify: true,
    keepNames: true,
  }),
  // The commands keep their packages in node_modules: they run only in a clone.
  bundle({ entryPoints: commandEntries(), outdir: 'dist/scripts', packages: 'external' }),
  copyViewer('dist/viewer'),
]);

/** @param {import('esbuild').BuildOptions} options */
async function bundle(options) {
  const { outputFiles = [] } = await build({ ...shared, ...options });
  for (const { path, contents } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    const partial = `${path}.${process.pid}.partial`;
    writeFileSync(partial, contents);
    renameSync(partial, path);
  }
}

/** Every scripts/*.ts is a command, and every folder with a main.ts: dist/scripts/<name>.js. */
function commandEntries() {
  return Object.fromEntries(
    readdirSync(join(root, 'scripts'), { withFileTypes: true }).flatMap((entry) => {
      const file = join(root, 'scripts', entry.name, ...(entry.isDirectory() ? ['main.ts'] : []));
      return file.endsWith('.ts') && existsSync(file)
        ? [[entry.name.replace(/\.ts$/, ''), relative(root, file)]]
        : [];
    }),
  );
}
