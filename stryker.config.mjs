/**
 * `npm run mutation`: changes the rules one at a time and lists the changes that no test notices
 * (docs/mutation.md).
 */
process.env.DECIDER_RUNS ??= '150';

export default {
  mutate: [
    'src/task/**/*.ts',
    'src/commands/**/*.handler.ts',
    'src/commands/{approval-vote,candidates,decision,lease-check,progress-report}.ts',
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
      roots: ['<rootDir>/src', '<rootDir>/packages/protocol/src', '<rootDir>/test'],
      testMatch: ['<rootDir>/test/mutation/rules.ts'],
      testEnvironment: './test/mutation/stop-at-failure.cjs',
    },
  },
  coverageAnalysis: 'perTest',
  ignorePatterns: ['dist', 'data', 'reports', 'coverage', 'bench', 'examples', 'docs'],
  concurrency: 2,
  // jest keeps some of what each run loaded.
  maxTestRunnerReuse: 60,
  timeoutMS: 60_000,
  tempDirName: '.stryker-tmp',
  reporters: ['clear-text', 'progress-append-only', 'html', 'json'],
  clearTextReporter: { reportTests: false, logTests: false },
  htmlReporter: { fileName: 'reports/mutation/index.html' },
  jsonReporter: { fileName: 'reports/mutation/report.json' },
  // What survives is read by people; a number fails no run.
  thresholds: { high: 90, low: 75, break: null },
};
