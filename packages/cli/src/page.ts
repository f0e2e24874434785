/** Answers that come page by page: how they are asked for, and how it is told that there are more. */
import type { Command } from 'commander';
import { wholeNumber } from './arguments.js';
import type { Output } from './output/output.js';

export interface PageOptions {
  readonly limit: number;
  readonly cursor?: string;
}

/** @param usual events, tasks … of a page when none is said; `most`: so many may be said */
export function withPage(command: Command, usual = 50, most = 500): Command {
  return command
    .option('-n, --limit <number>', 'at most so many', wholeNumber(1, most), usual)
    .option('--cursor <cursor>', 'go on where an earlier page ended');
}

/** @param or what else shows the rest */
export function tellMore(nextCursor: string | undefined, output: Output, or = ''): void {
  if (nextCursor !== undefined)
    output.note(output.paintErrors.dim(`There are more: --cursor ${nextCursor}${or}`));
}
