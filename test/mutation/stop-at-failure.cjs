/** A changed rule is found by the first test that fails: what comes after it is skipped. */
// eslint-disable-next-line @typescript-eslint/no-require-imports -- Stryker loads it so
const { TestEnvironment } = require('jest-environment-node');

module.exports = class StopAtFailure extends TestEnvironment {
  #failed = false;

  handleTestEvent(event) {
    if (event.name === 'test_done' && event.test.errors.length > 0) this.#failed = true;
    if (event.name === 'test_start' && this.#failed) event.test.mode = 'skip';
  }
};
