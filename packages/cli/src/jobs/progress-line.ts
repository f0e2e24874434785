import type { JobProgress } from '@taskmanager/client';
import { printable } from '../output/printable.js';
import { bytesText, countText, durationText } from '../output/words.js';

const BAR = 24;

/**
 * How far something is, in one line: `verify  ██████░░░░  60 %  600,000 of 1,000,000 events  12,000/s  33s
 * left`. What is not known is left out, the bar first.
 */
export function progressLine(title: string, progress: JobProgress): string {
  const { step, done, total, unit, rate, leftMs } = progress;
  const amount = (value: number) => (unit === 'bytes' ? bytesText(value) : countText(value));
  const named = step === undefined ? title : `${title}: ${step}`;
  const parts = [printable(named)];
  if (total !== undefined) {
    const share = total === 0 ? 1 : Math.min(done / total, 1);
    const full = Math.floor(share * BAR);
    parts.push(`${'█'.repeat(full)}${'░'.repeat(BAR - full)}`, `${Math.floor(share * 100)} %`);
  }
  const counted = unit === 'bytes' ? '' : ` ${printable(unit)}`;
  const of = total === undefined ? '' : ` of ${amount(total)}`;
  parts.push(`${amount(done)}${of}${counted}`);
  if (rate !== undefined) parts.push(`${amount(rate)}/s`);
  if (leftMs !== undefined) parts.push(`${durationText(leftMs)} left`);
  return parts.join('  ');
}
