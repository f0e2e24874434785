import type { StreamingRead } from '@eventstore/db-client';
import { ClientThrownAway, type LiveClient } from './cluster-client.js';
import { afterTime, TimeLimitPassed } from './time-limit.js';

/**
 * Reads a stream of answers to its end. However that comes, the call is cancelled: one that is left
 * open takes one of the 100 places of the connection for good. The client itself has no time limit.
 */
export function collect<T>(
  stream: StreamingRead<T>,
  { over }: LiveClient,
  ms: number,
  take: (item: T) => void,
): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    let ended = false;
    const end = (error?: Error) => {
      if (ended) return;
      ended = true;
      stopTimer();
      over.removeEventListener('abort', thrownAway);
      stream.off('data', take);
      // The listener of errors stays: an error that nobody listens to would end the process.
      void stream.cancel().catch(() => undefined);
      if (error) reject(error);
      else resolve();
    };
    const thrownAway = () => end(new ClientThrownAway());
    const stopTimer = afterTime(ms, () => end(new TimeLimitPassed(ms)));
    over.addEventListener('abort', thrownAway, { once: true });
    if (over.aborted) thrownAway();
    stream.on('error', end);
    stream.once('close', () => end(new Error('the read was broken off')));
    stream.once('end', () => end());
    stream.on('data', take);
  });
}
