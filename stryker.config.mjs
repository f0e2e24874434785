/**
 * `npm run mutation`: changes the rules one at a time and lists the changes that no test notices. Only
 * the specs that judge decisions run; the property test runs fewer sequences for each change.
 */
process.env.DECIDER_RUNS ??= '300';

export default {
  mutate: [
    'src/task/**/*.ts',
    'src/commands/**/*.handler.ts',
    'packages/protocol/src/transitions.ts',
    '!**/*.spec.ts',
  ],
  testRunner: 'jest',
  testRunnerNodeArgs: ['--experimental-vm-modules', '--no-warnings'],
  jest: {
    projectType: 'custom',
    configFile: 'jest.config.mjs',
    enableFindRelatedTests: false,
    config: {
      roots: ['<rootDir>/src', '<rootDir>/packages', '<rootDir>/test'],
      testMatch: [
        '<rootDir>/src/task/**/*.spec.ts',
        '<rootDir>/src/commands/**/*.spec.ts',
        '<rootDir>/packages/protocol/src/**/*.spec.ts',
        '<rootDir>/test/decider.property.spec.ts',
      ],
    },
  },
  coverageAnalysis: 'perTest',
  ignorePatterns: ['dist', 'data', 'reports', 'coverage', 'bench', 'examples'],
  concurrency: 2,
  timeoutMS: 20_000,
  tempDirName: '.stryker-tmp',
  reporters: ['clear-text', 'html', 'json'],
  htmlReporter: { fileName: 'reports/mutation/index.html' },
  jsonReporter: { fileName: 'reports/mutation/report.json' },
  // What survives is read by people; a number fails no run.
  thresholds: { high: 90, low: 75, break: null },
};
