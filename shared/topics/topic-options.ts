// What an owner may choose for a topic besides its tags.

import { invalidParameter } from '../broker-error';

/** What a new version must keep to. */
export const compatibilityModes = [
  'NONE',
  'BACKWARD',
  'FORWARD',
  'FULL',
  'BACKWARD_TRANSITIVE',
  'FORWARD_TRANSITIVE',
  'FULL_TRANSITIVE',
] as const;
export type CompatibilityMode = (typeof compatibilityModes)[number];

/** Whether writers are taken to produce properties that the schema they write to does not name. */
export const unknownPropertiesChoices = ['ignored', 'produced'] as const;
export type UnknownProperties = (typeof unknownPropertiesChoices)[number];

export interface CompatibilityOptions {
  readonly mode: CompatibilityMode;
  readonly unknownProperties: UnknownProperties;
}

export interface TopicOptions {
  readonly compatibility: CompatibilityOptions;
  /** Name of the class after whose span messages of the topic expire; absent: the broker's default. */
  readonly retentionClass: string | undefined;
}

/** What holds while nobody has chosen anything. */
export const defaultCompatibility: CompatibilityOptions = { mode: 'NONE', unknownProperties: 'ignored' };

/** A mode alone, or with what else belongs to it; what is absent is the default. */
export type CompatibilityRequest =
  string | { readonly mode?: string | undefined; readonly unknownProperties?: string | undefined };

/** What a caller wants changed: a member that is absent stays as it is. */
export interface OptionRequest {
  readonly compatibility?: CompatibilityRequest | undefined;
  /** Empty: the broker's default again. */
  readonly retentionClass?: string | undefined;
}

/**
 * @param retentionClasses the names that are configured
 * @throws BrokerError `invalid-parameters`
 */
export function readOptions(
  { compatibility, retentionClass }: OptionRequest,
  retentionClasses: readonly string[],
): Partial<TopicOptions> {
  if (given(retentionClass) && !retentionClasses.includes(retentionClass)) {
    throw invalidParameter('retentionClass', `must be one of ${retentionClasses.join(', ')}`);
  }
  return {
    ...(compatibility === undefined ? {} : { compatibility: readCompatibility(compatibility) }),
    ...(retentionClass === undefined
      ? {}
      : { retentionClass: given(retentionClass) ? retentionClass : undefined }),
  };
}

/** @throws BrokerError `invalid-parameters` */
export function readCompatibility(request: CompatibilityRequest): CompatibilityOptions {
  const { mode, unknownProperties } = typeof request === 'string' ? { mode: request } : request;
  return {
    mode: mode === undefined ? defaultCompatibility.mode : readMode(mode),
    unknownProperties:
      unknownProperties === undefined
        ? defaultCompatibility.unknownProperties
        : readUnknownProperties(unknownProperties),
  };
}

/** @throws BrokerError `invalid-parameters` */
export function readMode(text: string): CompatibilityMode {
  const mode = compatibilityModes.find((known) => known === text);
  if (!mode) throw invalidParameter('compatibility', `must be one of ${compatibilityModes.join(', ')}`);
  return mode;
}

/** @throws BrokerError `invalid-parameters` */
export function readUnknownProperties(text: string): UnknownProperties {
  const choice = unknownPropertiesChoices.find((known) => known === text);
  if (!choice) {
    throw invalidParameter('unknownProperties', `must be one of ${unknownPropertiesChoices.join(', ')}`);
  }
  return choice;
}

function given(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}
