import type { JobProgress } from '@taskmanager/client';
import { printable } from '../output/printable.js';
import { bytesText, countText, durationText } from '../output/words.js';

/** Characters of the bar, in steps so that it does not jump when a number gets longer. */
const BARS = [24, 18, 12, 6];
const GAP = '  ';

/**
 * How far something is, in one line: `verify  ██████░░░░  60 %  600,000 of 1,000,000 events  12,000/s  33s
 * left`. What is not known is left out; where the terminal is narrow the bar gets shorter, then what is
 * said to be done.
 *
 * @param columns of the terminal
 */
export function progressLine(title: string, progress: JobProgress, columns = Infinity): string {
  const { step, done, total } = progress;
  const facts = factsOf(progress);
  const share = total === undefined ? undefined : total === 0 ? 1 : Math.min(done / total, 1);
  const percent = share === undefined ? [] : [`${Math.floor(share * 100)} %`];
  const line = (name: string, bar: readonly string[]) =>
    [printable(name), ...bar, ...percent, ...facts].join(GAP);
  const names = step === undefined ? [title] : [`${title}: ${step}`, step];
  for (const name of names) {
    const room = columns - line(name, []).length - GAP.length;
    const width = BARS.find((each) => each <= room);
    if (share !== undefined && width !== undefined) return line(name, [barOf(share, width)]);
  }
  const shortest = names.at(-1) ?? title;
  return line(columns === Infinity ? (names[0] ?? title) : shortest, []).slice(0, columns);
}

function factsOf({ done, total, unit, rate, leftMs }: JobProgress): readonly string[] {
  const amount = (value: number) => (unit === 'bytes' ? bytesText(value) : countText(value));
  const counted = unit === 'bytes' ? '' : ` ${printable(unit)}`;
  const of = total === undefined ? '' : ` of ${amount(total)}`;
  const facts = [`${amount(done)}${of}${counted}`];
  if (rate !== undefined) facts.push(`${amount(rate)}/s`);
  if (leftMs !== undefined) facts.push(`${durationText(leftMs)} left`);
  return facts;
}

function barOf(share: number, width: number): string {
  const full = Math.floor(share * width);
  return `${'█'.repeat(full)}${'░'.repeat(width - full)}`;
}
