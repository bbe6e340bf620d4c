// Four projects over one source tree: unit (pure, no I/O), contract (one suite over every implementation of
// a port), integration (real NATS, Azurite and SQL), e2e (the built app behind the local host or a base URL).
const project = (name) => ({
  displayName: name,
  roots: [`<rootDir>/test/${name}`],
  testMatch: ['**/*.test.ts'],
  testEnvironment: 'node',
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
        module: { type: 'commonjs', ignoreDynamic: true },
      },
    ],
  },
  extensionsToTreatAsEsm: [],
});

export default {
  projects: ['unit', 'contract', 'integration', 'e2e'].map(project),
};
