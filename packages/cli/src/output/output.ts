import pc from 'picocolors';
import type { Io, Out } from '../io.js';
import { printable, safeJson } from './printable.js';
import { type Column, tableText } from './table.js';
import { type TimeStyle, timeText } from './words.js';

type Paint = ReturnType<typeof pc.createColors>;

export type Field = readonly [
  name: string,
  value: string | number | undefined,
  paint?: (text: string) => string,
];

export interface OutputOptions {
  readonly json: boolean;
  readonly color: boolean;
  readonly times: TimeStyle;
}

/** What a command says: answers on standard output, for people or for programs; the rest on standard error. */
export class Output {
  readonly json: boolean;
  /** Colours of standard output, and of standard error: plain where they are no terminal. */
  readonly paint: Paint;
  readonly paintErrors: Paint;

  constructor(
    readonly io: Io,
    private readonly options: OutputOptions,
  ) {
    this.json = options.json;
    const wanted = options.color && !io.variables['NO_COLOR'] && io.variables['TERM'] !== 'dumb';
    this.paint = pc.createColors(wanted && isTerminal(io.output));
    this.paintErrors = pc.createColors(wanted && isTerminal(io.errors));
  }

  /** One JSON document with `--json`, else what `forPeople` writes. */
  answer<T>(value: T, forPeople: (value: T) => void): void {
    if (this.json) this.document(value);
    else forPeople(value);
  }

  document(value: unknown): void {
    this.io.output.write(`${safeJson(value, 2)}\n`);
  }

  /** One of many: NDJSON. */
  record(value: unknown): void {
    this.io.output.write(`${safeJson(value)}\n`);
  }

  /** @param text made of safe text, see {@link printable} */
  line(text = ''): void {
    this.io.output.write(`${text}\n`);
  }

  table<R>(columns: readonly Column<R>[], rows: readonly R[]): void {
    this.line(tableText(columns, rows, this.width, (title) => this.paint.bold(title)));
  }

  /** Names and values below each other, with what colours a value; what is undefined is left out. */
  fields(fields: readonly Field[]): void {
    const given = fields.filter(([, value]) => value !== undefined);
    const width = Math.max(0, ...given.map(([name]) => name.length));
    for (const [name, value, paint = String] of given)
      this.line(`${this.paint.bold(name.padEnd(width))}  ${paint(printable(String(value)))}`);
  }

  /** Beside the answer, for people: never part of what a program reads. */
  note(text: string): void {
    this.io.errors.write(`${text}\n`);
  }

  time(at: number): string;
  time(at: number | undefined): string | undefined;
  time(at: number | undefined): string | undefined {
    return at === undefined ? undefined : timeText(at, this.options.times);
  }

  /** Columns of the terminal; undefined where the answer goes into a pipe or file. */
  get width(): number | undefined {
    return isTerminal(this.io.output) ? (this.io.output.columns ?? 80) : undefined;
  }
}

export function isTerminal(stream: Pick<Out, 'isTTY'>): boolean {
  return stream.isTTY === true;
}
