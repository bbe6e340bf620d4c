// Deprecated versions: those who publish to one are told so, until the sunset, after which it is refused.

import { BrokerError, invalidParameter } from '../broker-error';
import type { Deprecation } from './topic';

/**
 * The instant of a sunset, which must not be past: a version that is used now would be refused at once.
 * @throws BrokerError `invalid-parameters`
 */
export function readSunset(text: string, nowMs: number): number {
  const sunsetAtMs = Date.parse(text);
  if (!/^\d{4}-\d{2}-\d{2}T.*(?:Z|[+-]\d{2}:\d{2})$/.test(text) || Number.isNaN(sunsetAtMs)) {
    throw invalidParameter('sunset', 'must be an ISO 8601 instant such as 2027-01-31T00:00:00Z');
  }
  if (sunsetAtMs <= nowMs) throw invalidParameter('sunset', 'must be in the future');
  return sunsetAtMs;
}

/** @throws BrokerError `version-sunset` */
export function requireBeforeSunset(deprecation: Deprecation | undefined, nowMs: number): void {
  if (!deprecation || nowMs < deprecation.sunsetAtMs) return;
  const sunset = new Date(deprecation.sunsetAtMs).toISOString();
  throw new BrokerError('version-sunset', `This version ended on ${sunset}; publish to a later one.`);
}

/** `Deprecation` (RFC 9745 §2.1) and `Sunset` (RFC 8594 §3). */
export function deprecationHeaders(deprecation: Deprecation | undefined): Readonly<Record<string, string>> {
  if (!deprecation) return {};
  return {
    deprecation: `@${Math.floor(deprecation.sinceMs / 1_000)}`,
    sunset: new Date(deprecation.sunsetAtMs).toUTCString(),
  };
}
