import { offsetOf, type Position } from '@taskmanager/protocol';
import type { EventLog, ProcessorStore } from '../event-store/index.js';
import { type Comparison, compareLogs, findBeginning } from './compare-logs.js';
import { copyEvents } from './copy-events.js';
import { PositionPairs } from './position-pairs.js';
import { carryOver, positionsOf, readProcessors } from './processors.js';
import { count, duration, Progress, type ProgressOutput, type Stopwatch } from './progress.js';

/** One of the two logs, as far as the copy knows it. */
export interface LogAndProcessors {
  readonly log: EventLog;
  readonly processors: ProcessorStore;
}

export interface LogCopySetup {
  readonly source: LogAndProcessors;
  readonly target: LogAndProcessors;
  readonly verifyOnly: boolean;
  readonly appendsAtOnce: number;
  readonly signal?: AbortSignal;
  /** Told in whole lines what was done. */
  readonly tell: (line: string) => void;
  readonly progress: ProgressOutput;
  readonly now: Stopwatch;
}

/** `grown`: equal as far as the source went at the start, and it has gone on since. */
export type LogCopyOutcome = 'equal' | 'different' | 'grown';

/** Copies, verifies and carries over, in this order; every part of it may be done again at any time. */
export class LogCopy {
  private start: bigint | undefined;
  private until: Position | undefined;

  constructor(private readonly setup: LogCopySetup) {}

  async run(): Promise<LogCopyOutcome> {
    const { source, target, verifyOnly, tell } = this.setup;
    await this.measure();
    if (!verifyOnly) await this.copy();
    const states = await readProcessors(source.processors, target.processors);
    const pairs = new PositionPairs(positionsOf(states));
    const comparison = await this.verify(pairs);
    if (!this.report(comparison)) return 'different';
    if (await this.hasGrown()) {
      tell('The source has grown since: stop the service, and run this once more.');
      return 'grown';
    }
    if (!verifyOnly) {
      for (const state of states) {
        tell(`Processor ${await carryOver(state, pairs, target.processors)}`);
      }
    }
    return 'equal';
  }

  /** How far the source goes now: what is appended to it from here on is left for the next time. */
  private async measure(): Promise<void> {
    const { log } = this.setup.source;
    this.until = await log.head();
    const [first] = (await log.readAll({ limit: 1 })).events;
    this.start = first && offsetOf(first.position);
  }

  private async copy(): Promise<void> {
    const { source, target, appendsAtOnce, tell, signal } = this.setup;
    const { until } = this;
    const beginning = await this.step('looking at the target', (onProgress) =>
      findBeginning(source.log, target.log, { until, signal, onProgress }),
    );
    const { after, events } = beginning.answer;
    if (events > 0) tell(`The target holds the first ${count(events)} events already.`);
    if (until === undefined) return;
    const { answer: copied, ms } = await this.step(
      'copying',
      (onProgress) =>
        copyEvents(source.log, target.log, { after, until, appendsAtOnce, signal, onProgress }),
      after,
    );
    tell(`Copied ${count(copied)} events in ${duration(ms)}${rate(copied, ms)}.`);
  }

  private async verify(pairs: PositionPairs): Promise<Comparison> {
    const { source, target, tell, signal } = this.setup;
    const onPair = (here: Position, there: Position) => pairs.see(here, there);
    const { answer, ms } = await this.step('verifying', (onProgress) =>
      compareLogs(source.log, target.log, { until: this.until, signal, onProgress, onPair }),
    );
    tell(`Read both logs in ${duration(ms)}${rate(answer.source.events, ms)}.`);
    return answer;
  }

  /** Says what the verification found; false when something is wrong. */
  private report({ source, target, equal, difference }: Comparison): boolean {
    const { tell } = this.setup;
    const sides = [
      ['Source', source],
      ['Target', target],
    ] as const;
    for (const [side, { events, streams, digest, brokenLinks, firstProblem }] of sides) {
      const chains =
        brokenLinks === 0
          ? 'every hash chain holds'
          : `${count(brokenLinks)} events do not hold in their hash chain, the first: ${firstProblem}`;
      tell(`${side}: ${count(events)} events in ${count(streams)} streams; ${chains}.`);
      tell(`        sha256 ${digest}`);
    }
    tell(
      difference === undefined
        ? 'Both logs are equal but for positions.'
        : `The logs are not equal: after ${count(equal)} equal events ${difference}.`,
    );
    return difference === undefined && source.brokenLinks === 0 && target.brokenLinks === 0;
  }

  private async hasGrown(): Promise<boolean> {
    const { log } = this.setup.source;
    const after = this.until === undefined ? {} : { after: this.until };
    for (;;) {
      const page = await log.readAll(after);
      if (page.events.length > 0) return true;
      if (page.end || page.position === undefined) return false;
      after.after = page.position;
    }
  }

  /** Runs one part with its progress, measured in the source's own numbers from `after` on. */
  private async step<T>(
    name: string,
    work: (onProgress: (events: number, position: Position) => void) => Promise<T>,
    after?: Position,
  ): Promise<{ answer: T; ms: number }> {
    const progress = new Progress(this.setup.progress, name, this.setup.now);
    const first = after === undefined ? (this.start ?? 0n) : offsetOf(after);
    const whole = Number((this.until === undefined ? first : offsetOf(this.until)) - first);
    try {
      const answer = await work((events, position) =>
        progress.update(events, whole > 0 ? Number(offsetOf(position) - first) / whole : 1),
      );
      return { answer, ms: progress.end() };
    } catch (error) {
      progress.end();
      throw error;
    }
  }
}

const rate = (events: number, ms: number): string =>
  ms > 0 && events > 0 ? ` (${count((events / ms) * 1_000)}/s)` : '';
