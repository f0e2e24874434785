import type { Call } from './call.js';

interface Lane {
  readonly task: string;
  /** To be sent next, in this order. */
  ready: Call[];
  /** Handed to the transport, or waiting for their next try. */
  inFlight: number;
  /** Came while others were in flight: they go when those are done. */
  held: Call[];
}

/**
 * Keeps commands about one task in the order they were made, re-sends included: while some are in
 * flight, later ones wait, and then go together.
 */
export class Lanes {
  private readonly byTask = new Map<string, Lane>();
  /** Lanes with something to send, oldest first. */
  private readonly due = new Set<Lane>();

  get isEmpty(): boolean {
    return this.due.size === 0;
  }

  add(task: string, call: Call): void {
    let lane = this.byTask.get(task);
    if (!lane) {
      lane = { task, ready: [], inFlight: 0, held: [] };
      this.byTask.set(task, lane);
    }
    if (lane.inFlight > 0) {
      lane.held.push(call);
    } else {
      lane.ready.push(call);
      this.due.add(lane);
    }
  }

  /** Everything that may be sent now, one group a task; what is not sent after all is given back by `again`. */
  take(): Call[][] {
    const groups: Call[][] = [];
    for (const lane of this.due) {
      const calls = lane.ready.filter((call) => call.state === 'queued');
      lane.ready = [];
      lane.inFlight = calls.length;
      for (const call of calls) call.state = 'trying';
      if (calls.length > 0) groups.push(calls);
      else this.byTask.delete(lane.task);
    }
    this.due.clear();
    return groups;
  }

  /** The answer is there, or nobody waits for it any more. */
  done(task: string): void {
    const lane = this.byTask.get(task);
    if (lane && --lane.inFlight === 0) this.open(lane);
  }

  /** To be sent (again), before whatever came later. */
  again(call: Call): void {
    const lane = call.lane === undefined ? undefined : this.byTask.get(call.lane);
    if (!lane) return;
    call.state = 'queued';
    lane.ready.push(call);
    if (--lane.inFlight === 0) this.open(lane);
  }

  private open(lane: Lane): void {
    lane.ready.push(...lane.held);
    lane.held = [];
    if (lane.ready.length > 0) this.due.add(lane);
    else this.byTask.delete(lane.task);
  }
}
