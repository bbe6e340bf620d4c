// The commands that npm scripts run, what each needs and what its --help says.

/**
 * @typedef {object} Step
 * @property {string[]} args arguments of node
 * @property {boolean} [takesArguments] whether what follows `--` on the command line is added
 */

/**
 * @typedef {object} Command
 * @property {Step[]} steps run in turn until one fails
 * @property {boolean} [natsServer] whether NATS_SERVER_BINARY is set for it
 * @property {'find' | 'fetch'} [bicep] BICEP_CLI is set for it, where there is a Bicep CLI or one can be fetched
 * @property {boolean} [build] whether the app is built before
 * @property {string} [help] printed for --help without installing anything
 * @property {string} [lastLineOnFailure] printed last when not even its first step could be reached
 */

const bin = 'node_modules';
const eslint = { args: [`${bin}/eslint/bin/eslint.js`, '.', '--max-warnings=0'] };
const prettier = { args: [`${bin}/prettier/bin/prettier.cjs`, '--check', '--log-level=warn', '.'] };
const dependencyRules = {
  args: [
    `${bin}/dependency-cruiser/bin/dependency-cruiser.mjs`,
    ...['--config', '.dependency-cruiser.cjs'],
    ...['functions', 'shared', 'client', 'scripts', 'test'],
  ],
};
const unused = { args: [`${bin}/knip/bin/knip.js`] };
const types = { args: [`${bin}/typescript/bin/tsc`, '-p', '.'] };

/** @param {string} file @param {string[]} nodeArguments further ones @returns {Step} */
const script = (file, ...nodeArguments) => ({
  args: [
    ...nodeArguments,
    '--enable-source-maps',
    '--disable-warning=ExperimentalWarning',
    `dist/scripts/${file}.js`,
  ],
  takesArguments: true,
});

/** @type {Record<string, Command>} */
export const commands = {
  start: {
    natsServer: true,
    build: true,
    steps: [script('start')],
    help: `npm start [-- options]

Starts NATS, Azurite and the broker on SQLite, plays one guided exchange between two generated
participants, prints two curl lines to go on with, and stays up until Ctrl-C.

  --port N     port of the broker (default 7071; 0 lets the system choose)
  --data DIR   directory of streams, files, topics and keys (default .local)
  --no-demo    no guided exchange
  --exit       stop after the exchange; the exit code tells whether it worked
  --help       this text

Settings in the environment (docs/configuration.md) override the defaults, ROLES_FILE included.`,
  },
  stack: {
    natsServer: true,
    build: true,
    steps: [script('stack')],
    help: `npm run stack [-- options]

Starts NATS and Azurite on the ports that local.settings.sample.json names, for people who run the broker
with \`func start\`. Writes local.settings.json with generated keys if there is none.

  --data DIR   directory of streams and files (default .local)
  --help       this text`,
  },
  participant: {
    build: true,
    steps: [script('participant')],
    help: `npm run participant -- NAME [options]

Makes (or reuses) the key pair NAME, logs in to a running broker and prints DID, token and example calls.

  --url URL    base URL of the broker (default http://127.0.0.1:7071)
  --data DIR   directory that keeps the key pairs (default .local)
  --help       this text`,
  },
  'demo:schemas': {
    natsServer: true,
    build: true,
    steps: [script('demo-schemas')],
    help: `npm run demo:schemas [-- options]

Makes a topic of each type of schema (JSD7, XSD6, XML, CSV, TSV), publishes a good and a bad payload to each, tries
new versions, and prints every verdict in a line, incompatible ones with the document that shows it. Exit code 0 only
when all are as expected.

  --url URL    a broker that runs already, with the roles of scripts/roles.sample.json; without it a broker of its
               own is started in a temporary directory, and stopped
  --help       this text`,
  },
  migrate: {
    build: true,
    steps: [script('migrate')],
    help: `npm run migrate

Brings the tables of the topic store to this version's form: of SQLITE_FILE, SQL_SERVER with SQL_DATABASE, or
SQL_CONNECTION_STRING in the environment. Safe to repeat; runs before a new version of the broker starts.`,
  },
  test: {
    natsServer: true,
    bicep: 'find',
    build: true,
    steps: [{ args: ['scripts/run-tests.mjs'], takesArguments: true }],
    lastLineOnFailure: 'tests: 0 passed, 1 failed, 0 skipped',
    help: `npm test [-- arguments of jest]

Installs, builds and runs every test against real NATS, Azurite and SQLite. The last line counts them.

  --selectProjects unit contract integration e2e   only these
  --help                                           this text`,
  },
  nightly: {
    natsServer: true,
    build: true,
    steps: [{ args: ['scripts/nightly.mjs'], takesArguments: true }],
    lastLineOnFailure: 'tests: 0 passed, 1 failed, 0 skipped',
    help: `npm run nightly [-- PART …]

Runs what takes too long for every run of the tests: hours in all; or only the parts that are named. The last line of
each counts its tests, of the fuzzed requests it is the verdict.

  models      the model test of the cursor over 50,000 random histories instead of 500, and the comparison of 20,000
              generated pairs of schemas instead of 1,500
  clusters    every e2e suite on clusters like that of a deployment: three NATS nodes, TLS, nkeys
  fuzz        100,000 fuzzed requests
  chaos       a thousand chaos runs; CHAOS_FIRST_SEED and CHAOS_SEEDS in the environment choose others
  --help      this text`,
  },
  bench: {
    natsServer: true,
    build: true,
    // It measures latencies: a large young generation would stop it for up to 30 ms now and then.
    steps: [script('bench', '--max-semi-space-size=4')],
    help: `npm run bench [-- [SUITE …] [options]]

Starts its own nats-server, broker and load generator in a temporary directory, measures the broker side by side
with a bare Node server that publishes to JetStream, and prints the tables of docs/performance.md: less than three
minutes. Without SUITE the message path is measured.

  --quick        one short round and small sizes
  --only NAME    only this row, curve or check (may be repeated; a wrong name lists them)
  --json FILE    writes the results to a file too
  --profile DIR  writes CPU profiles of what is measured
  --help         this text`,
  },
  fuzz: {
    natsServer: true,
    build: true,
    steps: [script('fuzz')],
    help: `npm run fuzz [-- options]

Starts a broker of its own, sends it requests that are made from its OpenAPI document and bent in every way, as
several participants and as callers that it has to refuse, and prints a verdict in one line: no 5xx, every answer as
the document says, nothing of another participant read or changed, memory and connections back where they were.

  --requests N  how many (default 10000; 100000 take about four minutes)
  --seed S      of the random numbers (default: of the clock); keys are new each time, and requests follow from
                answers, which eight senders get at once: a fault is repeated by its request, which is printed
  --help        this text`,
  },
  chaos: {
    natsServer: true,
    build: true,
    steps: [script('chaos')],
    help: `npm run chaos [-- options]

Lets publishers, searchers, workers with leases and the timer act on two broker instances of its own while faults strike:
nodes, instances and connections are killed, frozen, cut, slowed. Then it checks the history that it wrote down, and
prints every promise that was broken and a verdict (docs/chaos.md).

  --seed N      of who does what and which faults come when (default: of the clock); every fourth one plays on a
                cluster of three nodes, the others on one server
  --seeds K     so many seeds, one after the other (default 1)
  --seconds S   for how long they act (default 5); --minutes M the same in minutes
  --plan        prints the plan of each seed as JSON and does nothing
  --help        this text`,
  },
  soak: {
    natsServer: true,
    build: true,
    steps: [script('soak')],
    help: `npm run soak [-- options]

Puts a mixed load at a low rate on a broker of its own, and looks every five seconds at what its process holds after a
garbage collection. The verdict: memory and handles do not grow after the caches are warm, and two NATS connections.

  --minutes M  for how long (default 15)
  --pause MS   of each of twelve participants between two publishes, on average (default 400)
  --help       this text`,
  },
  overload: {
    natsServer: true,
    build: true,
    steps: [script('overload')],
    help: `npm run overload [-- options]

Measures the rate of requests that a broker of its own sustains, then offers it twice that. The verdict: what is accepted
is answered in time, the rest is told when to come again, and nothing that was answered SENT is missing.

  --seconds S  of overload (default 40)
  --factor F   of the sustainable rate (default 2)
  --wait S     REQUEST_WAIT_SECONDS of its broker (default 6)
  --help       this text`,
  },
  build: {
    steps: [{ args: ['scripts/build.mjs'] }],
    help: 'npm run build\n\nBuilds the deployment bundle dist/main.js and the developer commands in dist/scripts/.',
  },
  lint: {
    steps: [eslint, prettier, dependencyRules, unused],
    help: 'npm run lint\n\nESLint with types, prettier, the dependency rules of design §10 and unused code (knip).',
  },
  types: { steps: [types], help: 'npm run types\n\nChecks the types of everything.' },
  format: {
    steps: [{ args: [`${bin}/prettier/bin/prettier.cjs`, '--write', '--log-level=warn', '.'] }],
    help: 'npm run format\n\nFormats everything with prettier.',
  },
  'check:infra': {
    bicep: 'fetch',
    build: true,
    steps: [script('check-infra')],
    help: `npm run check:infra

Checks infra/bicep: with the Bicep compiler and its linter, and with a checker of its own, which needs no compiler:
names, types and policies.

  BICEP_CLI        the Bicep CLI; else it is looked for on PATH and in .tools, then fetched through the .NET SDK
  BICEP_REQUIRED   1: no compiler is a failure
  BICEP_TYPES_DIR  Azure's type data, which npm run bicep-types fetches; without it types are not checked`,
  },
  'bicep-types': {
    build: true,
    steps: [script('bicep-types')],
    help: `npm run bicep-types [-- options]

Fetches the type data of the resources that infra/bicep uses from Azure/bicep-types-az, pinned by commit and digest.

  --to DIR     directory for it (default .tools/bicep-types)
  --help       this text`,
  },
  deploy: {
    build: true,
    steps: [script('deploy')],
    help: `npm run deploy [-- options] [STEP …]

What follows the infrastructure (docs/deploy.md): artefacts, keys, database, code, smoke; or only the steps named.
Needs az, signed in as the deployer, and zip.

  --deployment NAME   deployment of main.bicep whose outputs are used (default: outputs in the environment, as azd
                      gives them)
  --rotate NAMES      keys that the step keys rotates, comma-separated (docs/operations.md)
  --package           only make the package of the function app, dist/package
  --help              this text`,
  },
  check: {
    steps: [eslint, prettier, dependencyRules, unused, types],
    help: 'npm run check\n\nlint and types.',
  },
};

/** @returns {string} one line */
export function commandHelp() {
  return `One of: ${Object.keys(commands).join(', ')}.`;
}
