import type { Position } from '@taskmanager/protocol';
import type { Statement } from '../../database/index.js';
import type { ViewGenerationTable, ViewsDatabase } from '../../database/index.js';
import { ParkedTasks } from './parked-tasks.js';

export interface Generation extends Readonly<ViewGenerationTable> {
  readonly position: Position | null;
  readonly ahead: Position | null;
}

/**
 * Which builds of which views there are, how far each is and what it has parked: the projections'
 * checkpoints. And which views are paused.
 */
export class ViewGenerations {
  readonly parked: ParkedTasks;
  private readonly select: Statement<[string], Generation>;
  private readonly selectOne: Statement<[string, number], Generation>;
  private readonly insert: Statement<[Generation]>;
  private readonly advance: Statement<
    [Position | null, Position | null, string, number, number, Generation['state']]
  >;
  private readonly change: Statement<[Generation['state'], string, number]>;
  private readonly remove: Statement<[string, number]>;
  private readonly pause: Statement<[string]>;
  private readonly resume: Statement<[string]>;
  private readonly touch: Statement<[string]>;
  private readonly selectPaused: Statement<[string], number>;

  constructor(database: ViewsDatabase) {
    const { connection } = database;
    this.parked = new ParkedTasks(database);
    const all = 'SELECT * FROM view_generation WHERE view = ?';
    this.select = connection.prepare(`${all} ORDER BY generation`);
    this.selectOne = connection.prepare(`${all} AND generation = ?`);
    this.insert = connection.prepare(
      `INSERT INTO view_generation (view, generation, version, log_id, state, position, ahead, marker, job)
       VALUES (@view, @generation, @version, @log_id, @state, @position, @ahead, @marker, @job)`,
    );
    const where = 'WHERE view = ? AND generation = ?';
    this.advance = connection.prepare(
      `UPDATE view_generation SET position = ?, ahead = ?, marker = marker + 1 ${where} AND marker = ? AND state = ?`,
    );
    this.change = connection.prepare(
      `UPDATE view_generation SET state = ?, marker = marker + 1 ${where}`,
    );
    this.remove = connection.prepare(
      'DELETE FROM view_generation WHERE view = ? AND generation = ?',
    );
    this.pause = connection.prepare('INSERT OR IGNORE INTO view_paused (view) VALUES (?)');
    this.resume = connection.prepare('DELETE FROM view_paused WHERE view = ?');
    this.touch = connection.prepare(
      'UPDATE view_generation SET marker = marker + 1 WHERE view = ?',
    );
    this.selectPaused = connection
      .prepare<[string], number>('SELECT 1 FROM view_paused WHERE view = ?')
      .pluck();
  }

  /** The oldest first. */
  of(view: string): Generation[] {
    return this.select.all(view);
  }

  find(view: string, generation: number): Generation | undefined {
    return this.selectOne.get(view, generation);
  }

  /** Compare-and-set: undefined, and nothing is written, when the stored one is not `expected`. */
  move(
    expected: Generation,
    position: Position | null,
    ahead: Position | null,
  ): Generation | undefined {
    const { view, generation, state, marker } = expected;
    const { changes } = this.advance.run(position, ahead, view, generation, marker, state);
    if (changes === 0) return undefined;
    return { ...expected, position, ahead, marker: marker + 1 };
  }

  /** A new build from the beginning, maybe of a job; it is to be made in a transaction. */
  begin(
    view: string,
    version: number,
    logId: string,
    job: string | null = null,
    number = (this.of(view).at(-1)?.generation ?? 0) + 1,
  ): Generation {
    const begun: Generation = {
      view,
      generation: number,
      version,
      log_id: logId,
      state: 'building',
      position: null,
      ahead: null,
      marker: 0,
      job,
    };
    this.insert.run(begun);
    return begun;
  }

  setState(generation: Generation, state: Generation['state']): Generation {
    this.change.run(state, generation.view, generation.generation);
    return { ...generation, state, marker: generation.marker + 1 };
  }

  /** Builds that were kept are not any more; their numbers. In a transaction. */
  retireKept(view: string): number[] {
    const kept = this.of(view).filter(({ state }) => state === 'kept');
    return kept.map((one) => this.setState(one, 'retired').generation);
  }

  /** Numbers are given again, so that what it had parked goes with it; in a transaction. */
  forget({ view, generation }: Generation): void {
    this.remove.run(view, generation);
    this.parked.forget({ view, generation });
  }

  isPaused(view: string): boolean {
    return this.selectPaused.get(view) !== undefined;
  }

  /** Whoever writes the view, here or in another process, finds its checkpoint moved; in a transaction. */
  setPaused(view: string, paused: boolean): void {
    (paused ? this.pause : this.resume).run(view);
    this.touch.run(view);
  }
}
