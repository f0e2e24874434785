import {
  type FaultSettings,
  type FaultStatus,
  type Leader,
  type Member,
  type Scope,
} from './fault-settings.js';
import { type OpenCalls } from './open-calls.js';

type Countable = 'appends' | 'reads' | 'subscriptions' | 'features' | 'gossip';

/** Faults of a running server: those that last are set, those that happen once are methods. */
export class Faults {
  private settings: FaultSettings = {};
  private readonly used = new Map<Countable, number>();

  constructor(private readonly openCalls: OpenCalls) {}

  /** Replaces the faults that are named and leaves the others; `undefined` switches one off. */
  set(settings: FaultSettings): void {
    this.settings = { ...this.settings, ...settings };
    for (const name of Object.keys(settings)) this.used.delete(name as Countable);
  }

  /** Switches all faults off. Calls that were dropped stay so. */
  clear(): void {
    this.settings = {};
    this.used.clear();
  }

  /** Ends all open subscriptions as a node does that shuts down: without an error. */
  endSubscriptions(): void {
    for (const read of this.openCalls.subscriptions) read.end();
  }

  /** Fails all open subscriptions. */
  failSubscriptions(fault: FaultStatus): void {
    for (const read of this.openCalls.subscriptions) read.fail(fault);
  }

  /** Server: up to 23.10 a live subscription that falls 32 events behind is ended as too slow. */
  failSubscriptionsAsTooSlow(): void {
    this.failSubscriptions({ status: 'ABORTED', details: 'Consumer too slow' });
  }

  /** Fails all open reads that are no subscriptions. */
  failReads(fault: FaultStatus): void {
    for (const read of this.openCalls.reads) read.fail(fault);
  }

  /** Fails all open calls of BatchAppend: the outcome of each append in flight is unknown. */
  failBatchAppends(fault: FaultStatus): void {
    for (const call of this.openCalls.batchAppends) call.fail(fault);
  }

  get notLeader(): Leader | undefined {
    return this.settings.notLeader;
  }

  get members(): readonly Member[] | undefined {
    return this.settings.members;
  }

  get withoutBatchAppend(): boolean {
    return this.settings.withoutBatchAppend ?? false;
  }

  /** The fault that a call meets, if any; it counts as used. */
  meet<Name extends Countable>(name: Name, stream = ''): FaultSettings[Name] {
    const fault: (Scope & { kind: string }) | undefined = this.settings[name];
    if (!fault || !stream.startsWith(fault.stream ?? '')) return undefined;
    const used = this.used.get(name) ?? 0;
    if (fault.times !== undefined && used >= fault.times) return undefined;
    this.used.set(name, used + 1);
    return this.settings[name];
  }
}
