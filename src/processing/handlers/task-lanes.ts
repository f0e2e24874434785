type Work = () => Promise<void>;

/**
 * Work about tasks: each task's in its order, that of different tasks side by side, so much of it at
 * once as there are places.
 */
export class TaskLanes {
  private readonly lanes = new Map<string, Work[]>();
  private readonly wanting: (() => void)[] = [];
  private readonly whenAllEnd: (() => void)[] = [];

  constructor(private places: number) {}

  /** Behind what was added for this task before. `work` must not reject. */
  add(task: string, work: Work): void {
    const lane = this.lanes.get(task);
    if (lane) {
      lane.push(work);
      return;
    }
    const begun = [work];
    this.lanes.set(task, begun);
    void this.run(task, begun);
  }

  /** For work under way: another task has its place while this waits. */
  async aside(wait: Work): Promise<void> {
    this.leave();
    await wait();
    await this.enter();
  }

  /** Resolves when nothing is left to do. */
  whenEmpty(): Promise<void> {
    if (this.lanes.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.whenAllEnd.push(resolve));
  }

  private async run(task: string, lane: Work[]): Promise<void> {
    for (let work = lane.shift(); work; work = lane.shift()) {
      await this.enter();
      await work();
      this.leave();
    }
    this.lanes.delete(task);
    if (this.lanes.size > 0) return;
    for (const resolve of this.whenAllEnd.splice(0)) resolve();
  }

  private async enter(): Promise<void> {
    if (this.places > 0) this.places -= 1;
    else await new Promise<void>((resolve) => this.wanting.push(resolve));
  }

  private leave(): void {
    const next = this.wanting.shift();
    if (next) next();
    else this.places += 1;
  }
}
