// Secrets in a key vault, by the identity of the job (REST, so that the job's program stays small).
// https://learn.microsoft.com/rest/api/keyvault/secrets

export interface VaultAccess {
  /** `https://<name>.vault.azure.net/`. */
  readonly vaultUri: string;
  readonly token: (resource: string) => Promise<string>;
}

const apiVersion = 'api-version=7.4';
const callMilliseconds = 30_000;

/** A secret's current value, undefined when there is none. @throws Error without any value in it */
export async function readSecret(access: VaultAccess, name: string): Promise<string | undefined> {
  const answer = await call(access, name, {});
  if (answer.status === 404) return undefined;
  if (!answer.ok) throw new Error(`reading ${name} was answered with ${answer.status}`);
  return ((await answer.json()) as { value: string }).value;
}

/** Makes a new version of the secret the current one. */
export async function writeSecret(access: VaultAccess, name: string, value: string): Promise<void> {
  const answer = await call(access, name, { method: 'PUT', body: JSON.stringify({ value }) });
  if (!answer.ok) throw new Error(`writing ${name} was answered with ${answer.status}`);
}

async function call({ vaultUri, token }: VaultAccess, name: string, init: RequestInit): Promise<Response> {
  const audience = `https://${new URL(vaultUri).hostname.split('.').slice(1).join('.')}`;
  return fetch(`${vaultUri}secrets/${name}?${apiVersion}`, {
    ...init,
    headers: { authorization: `Bearer ${await token(audience)}`, 'content-type': 'application/json' },
    signal: AbortSignal.timeout(callMilliseconds),
  });
}

/** Tokens of the identity that a Container Apps job runs with. */
export async function jobToken(
  environment: Readonly<Record<string, string | undefined>>,
  resource: string,
): Promise<string> {
  const query = new URLSearchParams({
    'api-version': '2019-08-01',
    resource,
    client_id: environment['AZURE_CLIENT_ID'] ?? '',
  });
  const answer = await fetch(`${environment['IDENTITY_ENDPOINT'] ?? ''}?${query.toString()}`, {
    headers: { 'x-identity-header': environment['IDENTITY_HEADER'] ?? '' },
    signal: AbortSignal.timeout(callMilliseconds),
  });
  if (!answer.ok) throw new Error(`the identity endpoint answered ${answer.status}`);
  return ((await answer.json()) as { access_token: string }).access_token;
}
