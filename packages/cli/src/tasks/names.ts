import { type TaskManager, TaskManagerError } from '@taskmanager/client';
import type { Session } from '../session.js';
import type { WatchedTasks } from './watched-tasks.js';

/** Tasks that are read for their names at one time. */
const READS = 8;

/** Finds the names of tasks that are known by their events alone; one round at a time. */
export class Names {
  private reading = false;

  constructor(
    private readonly tasks: TaskManager,
    private readonly watched: WatchedTasks,
    private readonly session: Session,
    private readonly onFound: () => void,
  ) {}

  find(): void {
    if (!this.reading) void this.read();
  }

  private async read(): Promise<void> {
    this.reading = true;
    const tried = new Set<string>();
    for (;;) {
      const some = this.watched.nameless.filter((each) => !tried.has(each)).slice(0, READS);
      if (some.length === 0) break;
      await Promise.all(
        some.map(async (each) => {
          tried.add(each);
          const info = await this.tasks.getTask(each, this.session.call).catch(passing);
          if (info) this.watched.load(info);
        }),
      );
      this.onFound();
    }
    this.reading = false;
  }
}

/** A task may be gone by now, or the service: the table goes on without the name. */
function passing(error: unknown): undefined {
  if (!(error instanceof TaskManagerError)) throw error;
  return undefined;
}
