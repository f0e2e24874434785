/** Nothing came in time: what was asked may have happened all the same. */
export class TimeLimitPassed extends Error {
  override readonly name = 'TimeLimitPassed';

  constructor(ms: number) {
    super(`no answer within ${ms} ms`);
  }
}

/**
 * The client waits for ever for a server that falls silent, so each call has a limit here. What comes
 * of it later is nobody's business any more, a failure too.
 */
export function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = afterTime(ms, () => reject(new TimeLimitPassed(ms)));
    work.then(
      (answer) => {
        stop();
        resolve(answer);
      },
      (error: Error) => {
        stop();
        reject(error);
      },
    );
  });
}

/**
 * Calls back when the time is over; answers how to stop that. After a time in which this process got
 * nothing done, timers come before the answers that lie at the door, so these are let in first.
 */
export function afterTime(ms: number, late: () => void): () => void {
  let turn: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => (turn = setImmediate(late)), ms);
  return () => {
    clearTimeout(timer);
    if (turn) clearImmediate(turn);
  };
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/** The pause before the next try: twice as long each time, and never the same for two who wait. */
export function pauseMs(failures: number): number {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 10));
  return longest * (0.5 + Math.random() / 2);
}
