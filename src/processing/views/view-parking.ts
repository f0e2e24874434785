import type { Clock } from '../../context/index.js';
import type { RecordedEvent } from '../../event-store/index.js';
import { taskIdOfStream, taskStream } from '../../events/index.js';
import type { EventFailed } from './event-failed.js';
import type { ParkedTask, ParkedTasks } from './parked-tasks.js';
import type { Generation } from './view-generations.js';

/** Failures of one event after which its task is parked. */
const ATTEMPTS = 5;
/** Characters of an error that are kept. */
const ERROR_CHARS = 8_192;

/** What one build of a view has put aside, as the view's file says it, and when more is. */
export class ViewParking {
  private readonly tasks = new Map<string, ParkedTask>();
  private failing: { readonly eventId: string; attempts: number } | undefined;

  constructor(
    private readonly store: ParkedTasks,
    private readonly clock: Clock,
  ) {}

  get count(): number {
    return this.tasks.size;
  }

  /** Reads what is stored; somebody else may have changed it. */
  open(generation: Generation): void {
    this.tasks.clear();
    for (const task of this.store.of(generation)) this.tasks.set(taskStream(task.task_id), task);
  }

  /** Without the events of parked tasks. */
  passing(records: readonly RecordedEvent[]): readonly RecordedEvent[] {
    if (this.tasks.size === 0) return records;
    return records.filter(({ stream }) => !this.tasks.has(stream));
  }

  /** Those that somebody wants to be tried again. */
  wanted(): readonly ParkedTask[] {
    return this.tasks.size === 0 ? [] : [...this.tasks.values()].filter(({ wanted }) => wanted);
  }

  /**
   * Counts the failure; true when it was the last one that is waited for: the first already where another
   * task is parked for the same reason, so that what a newer release writes does not hold up the view for
   * each task anew.
   */
  givesUp(failed: EventFailed): boolean {
    const { id } = failed.event;
    if (this.failing?.eventId !== id) this.failing = { eventId: id, attempts: 0 };
    this.failing.attempts += 1;
    if (this.failing.attempts >= ATTEMPTS) return true;
    const reason = reasonOf(failed);
    for (const { error } of this.tasks.values()) if (error === reason) return true;
    return false;
  }

  /**
   * Parks the event's task; inside of a transaction. `before`: it was parked already, and now fails
   * again, there or at a later event.
   */
  park({ view, generation }: Generation, failed: EventFailed, before?: ParkedTask): ParkedTask {
    const { event } = failed;
    const again = before?.event_id === event.id ? before : undefined;
    const first = before ? 1 : (this.failing?.attempts ?? 1);
    const parked: ParkedTask = {
      view,
      generation,
      task_id: taskIdOfStream(event.stream),
      position: event.position,
      revision: event.revision,
      event_id: event.id,
      type: event.type,
      error: reasonOf(failed),
      attempts: again ? again.attempts + 1 : first,
      parked_at: again?.parked_at ?? this.clock.now(),
      wanted: null,
    };
    this.store.park(parked);
    this.tasks.set(event.stream, parked);
    this.failing = undefined;
    return parked;
  }

  /** Its rows are up to date; inside of a transaction. */
  unpark(task: ParkedTask): void {
    this.store.unpark(task);
    this.tasks.delete(taskStream(task.task_id));
  }
}

const reasonOf = ({ cause }: EventFailed): string => cause.message.slice(0, ERROR_CHARS);
