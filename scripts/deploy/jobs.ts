// The program of the two jobs that run inside the network of a deployment (infra/bicep/modules/jobs.bicep): JOB=keys
// makes and rotates keys and certificates, JOB=database migrates the topic store and makes the database user.

import { executeStatements, migrate, sqlBackend } from '../../shared/adapters/sql';
import { databaseUserStatements } from './database-user';
import { nextSecrets, type Rotation, rotations, type Vault } from './keys';
import { jobToken, readSecret, writeSecret } from './key-vault';

const environment: Readonly<Record<string, string | undefined>> = process.env;

function need(name: string): string {
  const value = environment[name];
  if (!value) throw new Error(`${name} is missing`);
  return value;
}

async function makeKeys(): Promise<void> {
  const token = (resource: string) => jobToken(environment, resource);
  const vaults: Readonly<Record<Vault, { vaultUri: string; token: typeof token }>> = {
    broker: { vaultUri: need('BROKER_VAULT_URI'), token },
    nats: { vaultUri: need('NATS_VAULT_URI'), token },
  };
  const hosts = Array.from(
    { length: Number(need('NATS_NODES')) },
    (_, index) => `nats-${index}.${need('NATS_ZONE')}`,
  );
  const nodeNames = hosts.flatMap((_, index) => [`nats-${index}-certificate`, `nats-${index}-next`]);
  const names: readonly (readonly [Vault, string])[] = [
    ...['token-signing-key', 'message-id-key', 'nats-broker-seed', 'nats-ca'].map(
      (name) => ['broker', name] as const,
    ),
    ...['nats-broker-nkey', 'nats-ca', ...nodeNames].map((name) => ['nats', name] as const),
  ];
  const values = new Map<string, string | undefined>();
  for (const [vault, name] of names) values.set(`${vault}/${name}`, await readSecret(vaults[vault], name));
  const secrets = await nextSecrets({
    current: (vault, name) => values.get(`${vault}/${name}`),
    rotate: readRotations(environment['ROTATE'] ?? ''),
    hosts,
    now: new Date(),
  });
  for (const { vault, name, value } of secrets) {
    await writeSecret(vaults[vault], name, value);
    console.log(`${vault} vault: ${name} written`);
  }
  console.log(
    secrets.length ? `${secrets.length} secrets written` : 'every secret is there: nothing written',
  );
}

function readRotations(text: string): ReadonlySet<Rotation> {
  const asked = text.split(',').filter((name) => name !== '');
  const known = asked.filter((name): name is Rotation => rotations.includes(name as Rotation));
  if (known.length < asked.length) throw new Error(`ROTATE knows ${rotations.join(', ')}`);
  return new Set(known);
}

async function prepareDatabase(): Promise<void> {
  const target = {
    kind: 'entra',
    server: need('SQL_SERVER'),
    database: need('SQL_DATABASE'),
    clientId: need('AZURE_CLIENT_ID'),
  } as const;
  const migrations = await migrate(sqlBackend(target));
  console.log(migrations.length ? `migrated: ${migrations.join(', ')}` : 'nothing to migrate');
  await executeStatements(
    sqlBackend(target),
    databaseUserStatements(need('BROKER_IDENTITY'), need('BROKER_CLIENT_ID')),
  );
  console.log('the function app is a user of the database');
}

const jobs: Readonly<Record<string, () => Promise<void>>> = { keys: makeKeys, database: prepareDatabase };
const job = jobs[environment['JOB'] ?? ''];
(job ? job() : Promise.reject(new Error(`JOB must be one of ${Object.keys(jobs).join(', ')}`))).catch(
  (error: unknown) => {
    const { message, cause } = error as Error;
    console.error(cause instanceof Error ? `${message} ${cause.message}` : message);
    process.exitCode = 1;
  },
);
