import type { TimerKind } from '../../events/index.js';
import { Doorbell } from '../doorbell.js';
import { FiredTimers } from './fired-timers.js';
import type { SagaCommands } from '../sagas/saga-commands.js';
import type { DueMethod } from '../sagas/saga-finder.js';
import type { DueTask } from './timer-queue.port.js';

/** Tasks whose timers are fired at once. */
const AT_ONCE = 256;
/** One that takes longer makes room, so that slow ones (a webhook that hangs) do not hold up the rest. */
const SLOW_MS = 1_000;
/** All of them, slow ones too. */
const AT_MOST = 2_048;

/** Sends the commands that sagas answer to timers that are due: those of one task in order. */
export class TimerFiring {
  private readonly fired = new FiredTimers();
  private readonly underWay = new Map<number, Promise<void>>();
  private readonly room = new Doorbell();
  private quick = 0;

  /** `ended` hears after each task that had commands whether they were sent: what went wrong, or undefined. */
  constructor(
    private readonly methods: ReadonlyMap<TimerKind, DueMethod>,
    private readonly commands: SagaCommands,
    private readonly ended: (trouble: unknown) => void,
    /** Fires when the service stops. */
    private readonly gone: AbortSignal,
  ) {}

  /** Nobody is at it, and nobody was at it just now. */
  isToFire(task: DueTask): boolean {
    return !this.underWay.has(task.seq) && !this.fired.waits(task, performance.now());
  }

  async whenRoom(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (this.quick >= AT_ONCE || this.underWay.size >= AT_MOST)) {
      await this.room.wait(SLOW_MS, signal);
    }
  }

  /** Returns at once; what goes wrong is told, and tried again later. */
  begin(task: DueTask): void {
    this.quick += 1;
    let isQuick = true;
    const makeRoom = () => {
      if (isQuick) this.quick -= 1;
      isQuick = false;
      this.room.ring();
    };
    const slow = setTimeout(makeRoom, SLOW_MS).unref();
    const done = this.fire(task).finally(() => {
      clearTimeout(slow);
      this.underWay.delete(task.seq);
      makeRoom();
    });
    this.underWay.set(task.seq, done);
  }

  /** Waits for what is under way, so long at most. */
  async allDone(timeoutMs: number): Promise<void> {
    const all = new AbortController();
    void Promise.all(this.underWay.values()).then(() => all.abort());
    await new Doorbell().wait(timeoutMs, all.signal);
  }

  private async fire(task: DueTask): Promise<void> {
    let sent = false;
    let trouble: unknown;
    for (const timer of task.timers) {
      const method = this.methods.get(timer.kind);
      if (!method) continue;
      try {
        sent = true;
        const id = `${task.taskId}/${task.revision}/${timer.kind}`;
        await this.commands.send(method.saga, { id }, method.due(timer), this.gone);
      } catch (error) {
        // The others are about other things: a reminder that cannot be sent must not keep an approval open.
        trouble ??= error;
      }
    }
    this.fired.note(task, performance.now(), trouble);
    if (sent) this.ended(trouble);
  }
}
