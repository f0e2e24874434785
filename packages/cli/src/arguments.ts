/** Values on the command line, read and checked; what is wrong is said before anybody is asked. */
import { InvalidArgumentError } from 'commander';
import type { TaskPoint } from '@taskmanager/client';

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A task's, job's or event's id, in any case. */
export function id(text: string): string {
  const lower = text.trim().toLowerCase();
  if (!ID.test(lower)) throw new InvalidArgumentError('An id is a UUID, as the lists show it.');
  return lower;
}

export function ids(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, id(text)];
}

/** For options that may be given several times, or once with commas. */
export function list(text: string, before: readonly string[] = []): readonly string[] {
  return [
    ...before,
    ...text
      .split(',')
      .map((each) => each.trim())
      .filter(Boolean),
  ];
}

export function label(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new InvalidArgumentError('A label is given as name=value.');
  return { ...before, [name]: value };
}

/** @param min and max both allowed */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max))
      throw new InvalidArgumentError(`It is a whole number from ${min} to ${max}.`);
    return value;
  };
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `250ms`, `30s`, `10m`, `2h`, `3d`. @returns milliseconds */
export function duration(text: string): number {
  const [, amount, unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const factor = UNIT_MS[unit];
  if (amount === undefined || factor === undefined)
    throw new InvalidArgumentError('A duration is given as 250ms, 30s, 10m, 2h or 3d.');
  return Math.round(Number(amount) * factor);
}

const DATE =
  /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)?(Z|[+-]\d{2}:?\d{2})?$/i;

/**
 * A date, a date with a time, so long ago (`2h`), or epoch milliseconds; without a zone the time is
 * that of this machine.
 *
 * @returns epoch milliseconds
 */
export function time(text: string): number {
  if (text === 'now') return Date.now();
  if (/^\d{12,14}$/.test(text)) return Number(text);
  if (/^[\d.]+[a-z]+$/.test(text)) return Date.now() - duration(text);
  // A date alone would be taken for one in UTC.
  const whole = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00` : text.replace(' ', 'T');
  const at = DATE.test(text) ? Date.parse(whole) : Number.NaN;
  if (Number.isNaN(at))
    throw new InvalidArgumentError(
      'A time is given as 2026-07-01, 2026-07-01T12:30:00 (this machine’s zone unless it ends in Z), or as so long ago: 10m, 2h, 3d.',
    );
  return at;
}

/** A revision (`4`) or a time. */
export function point(text: string): TaskPoint {
  return /^\d{1,9}$/.test(text) ? { revision: Number(text) } : { at: time(text) };
}
