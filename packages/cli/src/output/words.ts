/** Numbers and durations as people read them. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The two largest units: `3m 12s`, `2d 4h`; below a second milliseconds. */
export function durationText(ms: number): string {
  if (ms < 0) return `-${durationText(-ms)}`;
  if (ms < SECOND) return `${Math.round(ms)}ms`;
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)}s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)}m ${Math.floor((ms % MINUTE) / SECOND)}s`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)}h ${Math.floor((ms % HOUR) / MINUTE)}m`;
  return `${Math.floor(ms / DAY)}d ${Math.floor((ms % DAY) / HOUR)}h`;
}

/** `1,234,567`. */
export function countText(count: number): string {
  return count.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** `1 event`, `1,200 events`. @param noun whose plural ends in s */
export function amountText(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

export function bytesText(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), UNITS.length - 1);
  const value = bytes / 1024 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${UNITS[power]}`;
}

/** How times are written: as the machine's clock shows them, in UTC, or as ISO 8601. */
export type TimeStyle = 'local' | 'utc' | 'iso';

/** @param at epoch milliseconds; as they are when no calendar reaches there, as in a log that was changed */
export function timeText(at: number, style: TimeStyle): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return String(at);
  if (style === 'iso') return date.toISOString();
  // Swedish writes dates as ISO 8601 does, with a blank instead of the T.
  const options = style === 'utc' ? { timeZone: 'UTC' } : {};
  return `${date.toLocaleString('sv-SE', options)}${style === 'utc' ? 'Z' : ''}`;
}
