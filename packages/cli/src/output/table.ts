import CliTable from 'cli-table3';
import stringWidth from 'string-width';
import { printable } from './printable.js';

/** A column of a table for people. */
export interface Column<R> {
  readonly title: string;
  readonly value: (row: R) => string | number | undefined;
  readonly align?: 'right';
  /** Colours the text of a cell; without it the text stays plain. */
  readonly paint?: (text: string, row: R) => string;
  /** May become this narrow where the terminal is; otherwise it keeps the width of its text. */
  readonly shrinkTo?: number;
  /** Left out where the terminal is too narrow; the last of these goes first. */
  readonly optional?: true;
}

const GAP = 2;
const NO_LINES = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left'],
    ...['bottom-right', 'left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
  ].map((part) => [part, '']),
);

/**
 * A table without lines between its cells, as wide as the terminal at most.
 *
 * @param width columns of the terminal; undefined: as wide as its text, for pipes and files
 * @param bold for the titles
 */
export function tableText<R>(
  columns: readonly Column<R>[],
  rows: readonly R[],
  width: number | undefined,
  bold: (text: string) => string,
): string {
  const texts = new Map(
    columns.map((column) => [
      column,
      rows.map((row) => printable(String(column.value(row) ?? ''))),
    ]),
  );
  const wanted = (column: Column<R>) =>
    Math.max(
      stringWidth(column.title),
      ...(texts.get(column) ?? []).map((text) => stringWidth(text)),
    );
  const fitted = fit(
    columns.map((column) => ({ column, width: wanted(column) })),
    width ?? Infinity,
  );
  const table = new CliTable({
    chars: NO_LINES,
    style: { 'padding-left': 0, 'padding-right': GAP, head: [], border: [], compact: true },
    colWidths: fitted.map((each) => each.width + GAP),
    colAligns: fitted.map(({ column }) => column.align ?? 'left'),
    head: fitted.map(({ column }) => bold(column.title)),
  });
  rows.forEach((row, index) =>
    table.push(
      fitted.map(({ column }) => {
        const text = texts.get(column)?.[index] ?? '';
        return column.paint ? column.paint(text, row) : text;
      }),
    ),
  );
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

interface Fitted<R> {
  readonly column: Column<R>;
  readonly width: number;
}

function fit<R>(columns: readonly Fitted<R>[], width: number): readonly Fitted<R>[] {
  const least = ({ column, width: wanted }: Fitted<R>) =>
    Math.min(wanted, column.shrinkTo ?? Infinity);
  let kept = columns;
  while (totalOf(kept, least) > width) {
    const last = kept.findLast(({ column }) => column.optional);
    if (!last) break;
    kept = kept.filter((each) => each !== last);
  }
  for (let excess = totalOf(kept, (each) => each.width) - width; excess > 0; excess--) {
    const widest = kept
      .filter((each) => each.width > least(each))
      .reduce<Fitted<R> | undefined>((a, b) => (a && a.width >= b.width ? a : b), undefined);
    if (!widest) break;
    kept = kept.map((each) => (each === widest ? { ...each, width: each.width - 1 } : each));
  }
  return kept;
}

function totalOf<R>(columns: readonly Fitted<R>[], widthOf: (column: Fitted<R>) => number): number {
  return columns.reduce((sum, each) => sum + widthOf(each) + GAP, -GAP);
}
