import { setFlagsFromString } from 'node:v8';

/**
 * By how many percent the heap may outgrow what is alive in it before the garbage is collected. Left
 * to itself V8 lets it grow to some hundreds of megabytes first: cheap, but not on a small machine.
 */
const GROWTH_PERCENT = 60;
const AS_V8_LIKES = 0;

let holders = 0;

/**
 * Trades a little time for memory while a view is built, which makes more garbage than all the rest of
 * the service: a build of 50,000 tasks took 540 MB without it. Answers how to end that.
 */
export function keepHeapSmall(): () => void {
  holders += 1;
  setGrowth(GROWTH_PERCENT);
  let ended = false;
  return () => {
    if (ended) return;
    ended = true;
    holders -= 1;
    if (holders === 0) setGrowth(AS_V8_LIKES);
  };
}

/** While anybody builds. */
export const isHeapKeptSmall = (): boolean => holders > 0;

/** The flag is read at each collection, so that it may change while the process runs. */
function setGrowth(percent: number): void {
  setFlagsFromString(`--heap-growing-percent=${percent}`);
}
