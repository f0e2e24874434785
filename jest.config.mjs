/** ESM jest: run it through `npm test`, which passes --experimental-vm-modules and finds nats-server. */
const transform = {
  '^.+\\.ts$': [
    '@swc/jest',
    {
      swcrc: false,
      sourceMaps: 'inline',
      module: { type: 'es6' },
      jsc: {
        target: 'es2023',
        parser: { syntax: 'typescript', decorators: true },
        transform: {
          legacyDecorator: true,
          decoratorMetadata: true,
          useDefineForClassFields: false,
        },
        keepClassNames: true,
      },
    },
  ],
};

export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/src', '<rootDir>/test', '<rootDir>/packages', '<rootDir>/examples'],
  testMatch: ['**/*.spec.ts', '**/*.e2e-spec.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/packages/.*/dist'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^@taskmanager/client/nest$': '<rootDir>/packages/client/src/nest/index.ts',
    '^@taskmanager/([a-z]+)$': '<rootDir>/packages/$1/src/index.ts',
  },
  // The services that tests start, and their waits, leave the second processor idle otherwise.
  maxWorkers: 2,
  workerIdleMemoryLimit: '300MB',
  testTimeout: 30_000,
  transform,
};
