// Callers whom the broker has to refuse: without a token, with garbage, expired, forged or foreign ones, and without
// a role that lets them use it.

import { JoseAccessTokenIssuer } from '../../shared/adapters/jose/access-tokens';
import { readSettings } from '../../shared/config/settings';
import type { Standing } from './oracle';

export interface Stranger {
  readonly standing: Standing;
  readonly authorization: string | undefined;
}

/** @param did of a participant, in whose name some tokens are forged */
export async function strangersTo(
  settings: Readonly<Record<string, string>>,
  did: string,
): Promise<readonly Stranger[]> {
  const { identity } = readSettings(settings);
  const issue = async (roles: readonly string[], audience: string, nowMs: number): Promise<string> => {
    const { signingKeys: keys, issuer, accessTokenSeconds } = identity;
    const tokens = new JoseAccessTokenIssuer({ keys, issuer, audience, accessTokenSeconds });
    return `Bearer ${await tokens.issue({ did, roles }, nowMs)}`;
  };
  const user = ['user.roles.lane-0.apps.fuzz.iam.ewc'];
  const good = await issue(user, identity.audience, Date.now());
  const [, claims = '', signature = ''] = good.split('.');
  const bad: readonly (string | undefined)[] = [
    ...[undefined, 'Bearer null', 'Bearer a.b.c', `Bearer ${'x'.repeat(9_000)}`, 'Basic YTpi'],
    await issue(user, identity.audience, Date.now() - 10 * 86_400_000),
    await issue(user, 'somebody else', Date.now()),
    `${good.slice(0, -4)}AAAA`,
    // alg none
    `Bearer eyJhbGciOiJub25lIn0.${claims}.`,
    `Bearer eyJhbGciOiJub25lIn0.${claims}.${signature}`,
  ];
  const almost = ['xuser.roles.a.apps.b.iam.ewc', 'user.roles'];
  return [
    ...bad.map((authorization) => ({ standing: 'no good token', authorization }) as const),
    { standing: 'no role', authorization: await issue([], identity.audience, Date.now()) },
    { standing: 'no role', authorization: await issue(almost, identity.audience, Date.now()) },
  ];
}
