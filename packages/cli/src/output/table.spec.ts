import { describe, expect, it } from '@jest/globals';
import stringWidth from 'string-width';
import { type Column, tableText } from './table.js';

interface Row {
  readonly id: string;
  readonly name: string;
  readonly size: number;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'NAME', value: ({ name }) => name, shrinkTo: 6 },
  { title: 'SIZE', value: ({ size }) => size, align: 'right', optional: true },
];
const ROWS: readonly Row[] = [
  { id: 'a1', name: 'a rather long name of a task', size: 5 },
  { id: 'b22', name: '大きな仕事の名前はとても長い', size: 1_234 },
];
const plain = (text: string) => text;
const lines = (width: number | undefined, rows = ROWS) =>
  tableText(COLUMNS, rows, width, plain).split('\n');

describe('a table', () => {
  it('is as wide as its text in a pipe', () => {
    expect(lines(undefined)).toEqual([
      'ID   NAME                          SIZE',
      'a1   a rather long name of a task     5',
      'b22  大きな仕事の名前はとても長い  1234',
    ]);
  });

  it.each([40, 30, 24, 20, 18])('is no wider than a terminal of %d columns', (width) => {
    for (const line of lines(width)) expect(stringWidth(line)).toBeLessThanOrEqual(width);
    expect(lines(width)).toHaveLength(3);
  });

  it('cuts text that may be cut, and says so', () => {
    expect(lines(30)[1]).toMatch(/^a1 {3}a rather lon\w* ?\w*… +5$/);
  });

  it('leaves optional columns out where cutting is not enough', () => {
    expect(lines(14)[0]).toBe('ID   NAME');
  });

  it('has no place for what a terminal would act on', () => {
    expect(lines(undefined, [{ id: '\u001b[31mx', name: 'a\nb', size: 0 }])[1]).toBe(
      '\\u001b[31mx  a\\nb     0',
    );
  });
});
