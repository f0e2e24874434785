import { describe } from '@jest/globals';
import { appendingCases } from './event-log-appending.js';
import { closingCases } from './event-log-closing.js';
import type { MakeEventLogHarness } from './event-log-harness.js';
import { readingCases } from './event-log-reading.js';
import { snapshotCases } from './event-log-snapshots.js';
import { subscribingCases } from './event-log-subscribing.js';

/** What every event log must do. An adapter joins with a spec file that says how it is opened. */
export function describeEventLogContract(name: string, make: MakeEventLogHarness): void {
  describe(`${name} keeps the contract of an event log`, () => {
    describe('appending', () => appendingCases(make));
    describe('reading', () => readingCases(make));
    describe('subscribing', () => subscribingCases(make));
    describe('snapshots', () => snapshotCases(make));
    describe('closing', () => closingCases(make));
  });
}
