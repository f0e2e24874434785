import { createLogUpdate } from 'log-update';
import { printable } from '../output/printable.js';
import { type Column, tableText } from '../output/table.js';
import { amountText, durationText } from '../output/words.js';
import type { Session } from '../session.js';
import { progressBar } from './progress-text.js';
import { inColourOf } from './status-paint.js';
import type { WatchedTask, WatchedTasks } from './watched-tasks.js';

/** How often it may be drawn, and how often it is for the ages alone, milliseconds. */
const DRAWN_MS = 200;
const AGES_MS = 1_000;
/** Lines of the terminal that are not for tasks: above, the titles, what is left out, below. */
const OTHER_LINES = 5;

/** Draws the tasks of a watch in their place on the terminal, again and again until it is stopped. */
export class WatchTable {
  private readonly draw;
  private readonly timer: NodeJS.Timeout;
  private changed = true;
  private drawnAt = 0;
  private trouble: string | undefined;

  constructor(
    private readonly session: Session,
    private readonly tasks: WatchedTasks,
  ) {
    this.draw = createLogUpdate(session.io.output as NodeJS.WriteStream);
    this.timer = setInterval(() => this.drawIfDue(), DRAWN_MS);
  }

  /** Something is otherwise than it was drawn. @param trouble shown until the next change */
  change(trouble?: string): void {
    this.changed = true;
    this.trouble = trouble;
  }

  /** What was drawn last stays. */
  stop(): void {
    clearInterval(this.timer);
    this.draw(this.text());
    this.draw.done();
  }

  private drawIfDue(): void {
    const now = Date.now();
    if (!this.changed && now - this.drawnAt < AGES_MS) return;
    this.changed = false;
    this.drawnAt = now;
    this.draw(this.text());
  }

  private text(): string {
    const { output, io } = this.session;
    const { paint } = output;
    const shown = this.tasks.shown(Date.now());
    const room = Math.max((io.output.rows ?? 24) - OTHER_LINES, 1);
    const hidden = Math.max(shown.length - room, 0);
    const watched = shown.filter(({ leftAt }) => leftAt === undefined).length;
    const head = `${amountText(watched, 'task')}, ${output.time(Date.now())}. Ctrl-C ends this.`;
    const table =
      shown.length === 0
        ? 'No task fits; whatever comes is shown.'
        : tableText(this.columns(), shown.slice(0, room), output.width, (title) =>
            paint.bold(title),
          );
    const more =
      hidden > 0 ? [paint.dim(`… and ${this.tasks.isFull ? 'at least ' : ''}${hidden} more.`)] : [];
    const trouble = this.trouble === undefined ? [] : [paint.red(printable(this.trouble))];
    return [paint.dim(head), table, ...more, ...trouble].join('\n');
  }

  private columns(): readonly Column<WatchedTask>[] {
    const { output } = this.session;
    const inColour = (text: string, { status }: WatchedTask) => inColourOf(status, text, output);
    return [
      { title: 'NAME', value: ({ name }) => name ?? '…', shrinkTo: 8 },
      { title: 'STATUS', value: ({ status }) => status, paint: inColour },
      {
        title: 'PROGRESS',
        value: ({ progress }) => progressBar(progress),
        paint: inColour,
        optional: true,
      },
      { title: 'AGE', value: ageOf, align: 'right', optional: true },
      {
        title: 'SAYS',
        value: ({ error, message }) => error ?? message,
        shrinkTo: 10,
        optional: true,
      },
      { title: 'WORKER', value: ({ workerId }) => workerId, shrinkTo: 8, optional: true },
      { title: 'TYPE', value: ({ taskType }) => taskType, shrinkTo: 8, optional: true },
      { title: 'ID', value: ({ id }) => id, optional: true },
    ];
  }
}

/** Since this attempt was started. */
function ageOf({ startedAt }: WatchedTask): string {
  return startedAt === undefined ? '' : durationText(Math.max(Date.now() - startedAt, 0));
}
