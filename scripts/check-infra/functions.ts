// The functions and decorators of Bicep that the templates may use. A new one is added here when it is first used,
// after a look at its documentation.

export const functionNames = new Set(
  (
    'any array base64 bool cidrHost cidrSubnet concat contains empty endsWith environment fail filter first flatten ' +
    'format guid indexOf int intersection items join json last length loadFileAsBase64 loadJsonContent ' +
    'loadTextContent map mapValues max min objectKeys range reduce replace resourceGroup resourceId skip sort split ' +
    'startsWith string subscription subscriptionResourceId substring take tenant tenantResourceId toLower toObject ' +
    'toUpper trim union uniqueString uri uriComponent ' +
    // Decorators.
    'allowed batchSize description discriminator export maxLength maxValue metadata minLength minValue sealed secure'
  ).split(' '),
);

/** Functions that parameter files have in addition. */
export const parameterFileFunctions = new Set(['externalInput', 'readCliArg', 'readEnvironmentVariable']);
