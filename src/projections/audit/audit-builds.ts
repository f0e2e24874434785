/** Which audit files there are, and which one serves. */
import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { offsetOf, type Position } from '@taskmanager/protocol';
import type { ViewsDatabase } from '../../database/index.js';
import type { EventLog } from '../../event-store/index.js';
import { CheckpointMoved, type Generation, ViewGenerations } from '../../processing/index.js';
import type { LastRow, StreamHead } from './audit-file.js';
import { AUDIT_VERSION } from './audit-row.js';
import type { AuditThread } from './audit-thread.js';

export const AUDIT = 'audit';

/** A build of the audit, with its file open in the thread. */
export interface AuditBuild {
  readonly generation: Generation;
  readonly file: string;
  /** The file's checkpoint. */
  readonly position: Position | undefined;
}

/**
 * The audit's builds: rows of `view_generation` like those of any view, but the tables and the checkpoint
 * lie in a file of their own, beside the views' one. A file that knows of events which the log does not
 * hold is evidence: it is kept until somebody drops it, and never written again.
 */
export class AuditBuilds {
  readonly generations: ViewGenerations;
  /** The files that may be open, as the thread was told last. */
  private wanted = '';

  constructor(
    private readonly database: ViewsDatabase,
    private readonly log: EventLog,
    private readonly thread: AuditThread,
    private readonly tell: (message: string) => void,
  ) {
    this.generations = new ViewGenerations(database);
  }

  fileOf({ generation }: Pick<Generation, 'generation'>): string {
    const { file } = this.database;
    const name = basename(file, '.db').replace(/^views/, AUDIT);
    return join(dirname(file), `${name}-${generation}.db`);
  }

  /** The build to keep: the one that serves, or that is to serve next, begun when there is none. */
  async open(): Promise<AuditBuild> {
    for (;;) {
      const generation = this.database.write(() => this.pick());
      const opened = await this.openFile(generation);
      if (opened) return opened;
    }
  }

  /** What a rebuild fills: the one that an earlier life of its job began, or a new one. */
  async openRebuild(jobId: string): Promise<AuditBuild> {
    for (;;) {
      const { generation, isNew } = this.database.write(() => this.pickRebuild(jobId));
      // Left by views that are gone: nobody knows what it holds, so that it may be evidence.
      if (isNew && (await this.thread.call('exists', this.fileOf(generation)))) {
        this.keep(generation);
        continue;
      }
      const opened = await this.openFile(generation);
      if (opened) return opened;
    }
  }

  get serving(): Generation | undefined {
    return this.mine().find(({ state }) => state === 'serving');
  }

  /**
   * The files that say what was in the log: the one that serves, and those that are kept. `silent` are as
   * many more that cannot be read, or that another release has written, in a layout that may be another.
   */
  async witnesses(): Promise<{ readonly files: readonly string[]; readonly silent: number }> {
    const { log, generations } = this;
    const files: string[] = [];
    let silent = 0;
    for (const one of generations.of(AUDIT)) {
      if (one.log_id !== log.logId || !['serving', 'kept'].includes(one.state)) continue;
      const file = this.fileOf(one);
      if (await this.thread.call('reopened', file, log.logId)) files.push(file);
      else silent += 1;
    }
    return { files, silent };
  }

  /**
   * It serves from now on, and the others of this version or older ones no longer.
   * @throws CheckpointMoved when another process has given it up
   */
  promote({ generation: { generation } }: AuditBuild, replaced: 'kept' | 'retired'): void {
    const { database, generations } = this;
    database.write(() => {
      const state = generations.find(AUDIT, generation)?.state;
      if (state !== 'building' && state !== 'serving') throw new CheckpointMoved(AUDIT);
      for (const one of generations.of(AUDIT)) {
        if (one.generation === generation) generations.setState(one, 'serving');
        else if (one.state === 'serving' && one.version <= AUDIT_VERSION)
          generations.setState(one, replaced);
      }
    });
  }

  /** What this job has brought to serve: its process died right after the swap. */
  swappedInBy(jobId: string): Generation | undefined {
    return this.mine().find(({ job, state }) => job === jobId && state === 'serving');
  }

  /** A build that was to serve and never will; not when another process has brought it to serve. */
  giveUp({ generation }: Generation): void {
    this.giveUpAll((one) => one.generation === generation);
  }

  /** Those of jobs that ended without a word, while something else serves. */
  giveUpOrphans(isRunning: (jobId: string) => boolean): void {
    if (this.serving) this.giveUpAll(({ job }) => job !== null && !isRunning(job));
  }

  /** The number of the newest of those that are kept. */
  get kept(): number | undefined {
    return this.generations.of(AUDIT).findLast(({ state }) => state === 'kept')?.generation;
  }

  private giveUpAll(which: (generation: Generation) => boolean): void {
    const { database, generations } = this;
    database.write(() => {
      for (const one of generations.of(AUDIT)) {
        if (one.state === 'building' && which(one)) generations.setState(one, 'retired');
      }
    });
  }

  /** Those that were kept are not any more; their numbers. */
  retireKept(): number[] {
    return this.database.write(() => this.generations.retireKept(AUDIT));
  }

  /** Takes the files of those away that serve nobody any more. */
  async dropRetired(): Promise<void> {
    for (const one of this.generations.of(AUDIT)) {
      if (one.state !== 'retired') continue;
      await this.thread.call('drop', this.fileOf(one));
      this.database.write(() => {
        // The last number stays taken: given to a new one, another process that is dropping this one as
        // well would take away the file of that.
        const isLast = this.generations.of(AUDIT).at(-1)?.generation === one.generation;
        if (!isLast) this.generations.forget(one);
      });
    }
  }

  /** Closes the files that another process has dropped or is about to, but for the one that serves here. */
  closeDropped(current: string | undefined): void {
    const files = this.generations
      .of(AUDIT)
      .filter(({ state }) => state !== 'retired')
      .map((one) => this.fileOf(one));
    if (current !== undefined && !files.includes(current)) files.push(current);
    const wanted = files.join();
    if (wanted === this.wanted) return;
    this.wanted = wanted;
    // Where the thread has died no file is open.
    this.thread.call('keepOnly', files).catch(() => undefined);
  }

  private mine(): Generation[] {
    return this.generations
      .of(AUDIT)
      .filter(({ version, log_id }) => version === AUDIT_VERSION && log_id === this.log.logId);
  }

  /** The newest file serves again when the views are gone, and the others are kept. In a transaction. */
  private adopt(): void {
    const { database, generations, log } = this;
    if (generations.of(AUDIT).length > 0) return;
    const numbers = readdirSync(dirname(database.file))
      .map((name) => ({ name, generation: Number(/-(\d+)\.db$/.exec(name)?.[1]) }))
      .filter(({ name, generation }) => name === basename(this.fileOf({ generation })))
      .map(({ generation }) => generation)
      .sort((a, b) => a - b);
    for (const number of numbers) {
      const found = generations.begin(AUDIT, AUDIT_VERSION, log.logId, null, number);
      if (number !== numbers.at(-1)) generations.setState(found, 'kept');
    }
  }

  /** In a transaction. */
  private pick(): Generation {
    this.adopt();
    const { generations, log } = this;
    for (const other of generations.of(AUDIT)) {
      if (other.log_id === log.logId || !['serving', 'building'].includes(other.state)) continue;
      generations.setState(other, 'kept');
      this.tell(`${this.fileOf(other)} is kept: it is the audit of another log, ${other.log_id}.`);
    }
    const mine = this.mine();
    return (
      mine.find(({ state }) => state === 'serving') ??
      mine.find(({ state }) => state === 'building') ??
      generations.begin(AUDIT, AUDIT_VERSION, log.logId)
    );
  }

  /** In a transaction. */
  private pickRebuild(jobId: string): { readonly generation: Generation; readonly isNew: boolean } {
    const begun = this.mine().find(({ job, state }) => job === jobId && state === 'building');
    if (begun) return { generation: begun, isNew: false };
    const generation = this.generations.begin(AUDIT, AUDIT_VERSION, this.log.logId, jobId);
    return { generation, isNew: true };
  }

  /** Undefined when the file is of another history: it is kept, and another one is to be made. */
  private async openFile(generation: Generation): Promise<AuditBuild | undefined> {
    const { log, thread } = this;
    const file = this.fileOf(generation);
    const { logId, version, position, last, broken } = await thread.call('opened', file, log.logId);
    if (broken !== undefined)
      this.tell(
        `${file} cannot be read (${broken.why}). It is kept as ${broken.keptAs}, and the audit is built anew from the log.`,
      );
    if (logId !== log.logId || version !== AUDIT_VERSION) {
      this.keep(generation);
      return undefined;
    }
    if (last && !(await this.isInLog(last))) {
      this.keep(generation);
      const missing = await this.firstMissing(file);
      this.tell(
        `The audit knows events that the log does not hold: ${missing}. Either an older copy of the log was put in its place, or events were taken away. ` +
          `${file} is kept as evidence, and the audit is built anew from what the log holds; see verify_history, and drop_projection_builds when it is no longer needed.`,
      );
      return undefined;
    }
    const isGone = generation.state === 'serving' && position === null;
    // Of an empty log there is nothing that the file could hold.
    const isAnew = isGone && (await log.head()) !== undefined;
    return {
      // Whoever took the serving build's file away gets a new one, which serves when it has caught up.
      generation: isAnew ? this.begunAnew(generation) : generation,
      file,
      position: (position as Position | null) ?? undefined,
    };
  }

  private begunAnew(generation: Generation): Generation {
    return this.database.write(() => this.generations.setState(generation, 'building'));
  }

  private keep(generation: Generation): void {
    this.database.write(() => this.generations.setState(generation, 'kept'));
  }

  private async isInLog({ stream, revision, eventId }: LastRow | StreamHead): Promise<boolean> {
    const [found] = await this.log.readStream(stream, { from: BigInt(revision), limit: 1 });
    return found?.id === eventId;
  }

  /** For people: the first event that the file has and the log has not. */
  private async firstMissing(file: string): Promise<string> {
    const head = await this.log.head();
    const after = head === undefined ? -1 : Number(offsetOf(head));
    const [first] = await this.thread.call('beyond', file, after, 1);
    return first
      ? `the first is ${first.type}, revision ${first.revision} of ${first.stream}`
      : `the event at its end is another one`;
  }
}
