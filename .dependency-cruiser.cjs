// The arrows of the architecture (docs/architecture.md), checked by `npm run lint`:
// functions → shared/{capability, http, config}; capability → its own ports and other capabilities' public index;
// adapters → the ports they implement; container.ts alone sees adapters and capabilities together.

const capabilities = 'messages|topics|files|channels|identity|idempotency|retention|operations';

/** Each vendor's package is imported in one folder only. A package that is not here is not imported at all. */
const vendors = {
  nats: 'shared/adapters/nats',
  'kysely|mssql': 'shared/adapters/sql',
  '@azure/storage-blob': 'shared/adapters/blob',
  // The identity of the running app opens two stores.
  '@azure/identity': 'shared/adapters/(blob|sql)',
  jose: 'shared/adapters/jose',
  // The participant's side signs what the broker's side verifies, and shares no code with it.
  '@noble/curves|@noble/hashes': '(shared/adapters/ethereum|client)',
  're2js|ajv-formats|libxml2-wasm': 'shared/adapters/schema',
  // The settings and the requests are validated where they enter.
  ajv: 'shared/(adapters/schema|http|config)',
  '@azure/functions': '(functions|shared/http)',
  '@fastify/busboy': 'shared/http',
  '@azure/functions-core|croner': 'scripts/local-host',
  'azurite|swagger-ui-dist|esbuild': 'scripts',
  'bicep-types|web-tree-sitter': 'scripts/check-infra',
};

/** Small libraries that are part of the language we write in. */
const everywhere = ['@sinclair/typebox', 'lru-cache'];

/** Found, or known by name only. */
const inPackages = (names) => [
  `^node_modules/(${names})/`,
  `^node_modules/@types/(${names})/`,
  `^(${names})$`,
];

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'Modules that need each other are one module, or lack a third.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-unresolvable',
      severity: 'error',
      from: {},
      // Supplied by Azure's worker at run time.
      to: { couldNotResolve: true, pathNot: '^@azure/functions-core$' },
    },
    {
      name: 'only-container-sees-adapters',
      comment: 'Triggers get what they need from functions/container.ts.',
      severity: 'error',
      from: { path: '^functions/', pathNot: '^functions/container(/|\\.ts$)' },
      to: { path: '^shared/adapters/' },
    },
    {
      name: 'functions-see-shared-only',
      severity: 'error',
      from: { path: '^functions/' },
      to: { path: '^(client|scripts|test)/' },
    },
    {
      name: 'capability-sees-no-adapter',
      comment: 'A capability states its ports; adapters implement them.',
      severity: 'error',
      from: { path: `^shared/(${capabilities})/` },
      to: { path: '^(functions|shared/(adapters|http|config))/' },
    },
    {
      name: 'capability-sees-public-index',
      comment: 'What another capability does not export from its index.ts is its own affair.',
      severity: 'error',
      from: { path: `^shared/(${capabilities})/` },
      to: {
        path: `^shared/(${capabilities})/`,
        pathNot: ['^shared/$1/', `^shared/(${capabilities})/index\\.ts$`],
      },
    },
    {
      name: 'adapter-sees-ports',
      severity: 'error',
      from: { path: '^shared/adapters/' },
      to: { path: '^(functions/|shared/http/)' },
    },
    {
      name: 'adapter-sees-no-other-adapter',
      severity: 'error',
      from: { path: '^shared/adapters/([^/]+)/' },
      to: { path: '^shared/adapters/', pathNot: '^shared/adapters/$1/' },
    },
    {
      name: 'http-and-config-see-no-adapter',
      severity: 'error',
      from: { path: '^shared/(http|config)/' },
      to: { path: '^(functions|shared/adapters)/' },
    },
    {
      name: 'shared-sees-shared-only',
      comment: 'The app knows nothing of the developer tools, the tests and the participant’s side.',
      severity: 'error',
      from: { path: '^shared/' },
      to: { path: '^(functions|client|scripts|test)/' },
    },
    {
      name: 'client-stands-alone',
      comment: 'The participant’s side is an example for participants: it uses nothing of the broker.',
      severity: 'error',
      from: { path: '^client/' },
      to: { path: '^(functions|shared|scripts|test)/' },
    },
    {
      name: 'tests-are-not-imported',
      severity: 'error',
      from: { pathNot: '^test/' },
      to: { path: '^test/' },
    },
    {
      name: 'local-host-knows-no-app',
      comment: 'It runs any built app through the real library.',
      severity: 'error',
      from: { path: '^scripts/local-host/' },
      to: { path: '^(functions|shared|client)/' },
    },
    ...Object.entries(vendors).map(([names, folder]) => ({
      name: `vendor-${names.replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '')}`,
      comment: `Imported in ${folder} only.`,
      severity: 'error',
      from: {
        path: '^(functions|shared|client|scripts)/',
        pathNot: `^${folder}/|^scripts/(bench|openapi)/|^scripts/[^/]+$`,
      },
      to: { path: inPackages(names) },
    })),
    {
      name: 'vendor-unlisted',
      comment: 'A new package gets a folder of its own in the table above.',
      severity: 'error',
      from: { path: '^(functions|shared|client|scripts/local-host)/' },
      to: {
        path: '^node_modules/',
        pathNot: inPackages([...Object.keys(vendors), ...everywhere].join('|')),
      },
    },
    {
      name: 'app-needs-no-development-package',
      severity: 'error',
      from: { path: '^(functions|shared)/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: '^node_modules/' },
    exclude: { path: '^dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'types'],
    },
  },
};
