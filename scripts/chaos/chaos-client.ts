// How the actors of a chaos run call the broker: a request ends with an answer or without one, and both are written
// down.

import { createIdentityToken, createKeyPair, didOf } from '../../client';
import type { Call } from './history';
import type { Instance } from './instance';
import { now } from './strike';

/** What a gateway waits for an answer. Unit: ms. */
const patienceMs = 60_000;

export interface Answer<Body> extends Call {
  /** Undefined where no answer came. */
  readonly body: Body | undefined;
}

export interface ChaosParticipant {
  readonly did: string;
  readonly call: <Body>(
    instance: number,
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<Answer<Body>>;
}

/** @throws Error when it cannot log in: before the faults everybody can */
export async function logIn(instances: readonly [Instance, Instance]): Promise<ChaosParticipant> {
  const key = createKeyPair();
  const send = async <Body>(
    instance: number,
    method: string,
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>>,
  ): Promise<Answer<Body>> => {
    const startedAt = now();
    const url = `${instances[instance === 0 ? 0 : 1].url()}${path}`;
    try {
      const response = await fetch(url, {
        method,
        headers: { 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(patienceMs),
      });
      const text = await response.text();
      const isJson = /[/+]json\b/.test(response.headers.get('content-type') ?? '');
      const { status } = response;
      return {
        instance,
        startedAt,
        endedAt: now(),
        status,
        body: (isJson ? JSON.parse(text) : text) as Body,
      };
    } catch {
      return { instance, startedAt, endedAt: now(), status: 0, body: undefined };
    }
  };
  const login = await send<{ access_token: string }>(
    0,
    'POST',
    '/auth/login',
    { identityToken: createIdentityToken(key) },
    {},
  );
  if (login.status !== 200 || !login.body) throw new Error(`the login was answered ${login.status}`);
  const authorization = `Bearer ${login.body.access_token}`;
  return {
    did: didOf(key),
    call: (instance, method, path, body, headers = {}) =>
      send(instance, method, path, body, { authorization, ...headers }),
  };
}
