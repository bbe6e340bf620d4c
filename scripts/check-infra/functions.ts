// The functions and decorators of Bicep that the templates may use, with the kind of their result. A new one is
// added here when it is first used, after a look at its documentation.

export type ResultKind = 'string' | 'int' | 'bool' | 'array' | 'object' | 'any';

const named = <Kind extends ResultKind>(kind: Kind, names: string): Readonly<Record<string, Kind>> =>
  Object.fromEntries(names.split(' ').map((name) => [name, kind]));

export const functionResults: Readonly<Record<string, ResultKind>> = {
  ...named(
    'string',
    'base64 base64ToString cidrSubnet cidrHost format guid join loadTextContent loadFileAsBase64 padLeft ' +
      'replace resourceId string subscriptionResourceId substring tenantResourceId toLower toUpper trim ' +
      'uniqueString uri uriComponent readEnvironmentVariable',
  ),
  ...named('int', 'indexOf int length max min'),
  ...named('bool', 'bool contains empty endsWith startsWith'),
  ...named('array', 'array concat filter flatten items map objectKeys range skip sort split'),
  ...named('object', 'deployment environment groupBy mapValues resourceGroup subscription tenant toObject'),
  ...named('any', 'any fail first intersection json last loadJsonContent reduce take union'),
  // Decorators.
  ...named('any', 'allowed batchSize description discriminator export maxLength maxValue metadata'),
  ...named('any', 'minLength minValue sealed secure'),
};
