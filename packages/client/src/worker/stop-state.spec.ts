import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { TaskNews } from './task-news.js';
import { StopState } from './stop-state.js';

const GRACE_MS = 1_000;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** Claimed at revision 5. */
function held({ pausePoints = false } = {}) {
  const stop = new StopState('a-task', 5, GRACE_MS);
  if (pausePoints) stop.atPausePoint();
  return stop;
}
const news = (revision: number, then: TaskNews['then']): TaskNews => ({ revision, then });

describe('A held task that somebody pauses', () => {
  it('stops at once without pause points', () => {
    const stop = held();
    stop.hear({ ...news(6, 'paused'), reason: 'lunch' });
    expect(stop.signal.aborted).toBe(true);
    expect(stop.fired).toMatchObject({ kind: 'paused', statedReason: 'lunch' });
  });

  it('stops at its next pause point when it has some', () => {
    const stop = held({ pausePoints: true });
    stop.hear(news(6, 'paused'));
    expect(stop.signal.aborted).toBe(false);
    expect(stop.atPausePoint()).toMatchObject({ kind: 'paused' });
    expect(stop.signal.aborted).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('stops after the grace when it reaches none', () => {
    const stop = held({ pausePoints: true });
    stop.hear(news(6, 'paused'));
    jest.advanceTimersByTime(GRACE_MS);
    expect(stop.fired?.kind).toBe('paused');
  });

  it('goes on when it is resumed before the handler knows', () => {
    const stop = held({ pausePoints: true });
    stop.hear(news(6, 'paused'));
    stop.hear(news(7, 'go_on'));
    jest.advanceTimersByTime(2 * GRACE_MS);
    expect(stop.atPausePoint()).toBeUndefined();
    expect(stop.wanted).toBeUndefined();
  });

  it('stays stopped when it is resumed after the handler knows', () => {
    const stop = held();
    stop.hear(news(6, 'paused'));
    stop.hear(news(7, 'go_on'));
    expect(stop.wanted?.kind).toBe('paused');
  });

  it('times nothing when its handler has ended before the news came', () => {
    const stop = held({ pausePoints: true });
    stop.end();
    stop.hear(news(6, 'paused'));
    expect(jest.getTimerCount()).toBe(0);
  });

  it('is paused, not shut down, when both are wanted', () => {
    const stop = held({ pausePoints: true });
    stop.shutDown();
    stop.hear(news(6, 'paused'));
    expect(stop.atPausePoint()?.kind).toBe('paused');
  });
});

describe('News about a held task', () => {
  it('is none from before it was claimed, or twice', () => {
    const stop = held();
    stop.hear(news(5, 'cancelled'));
    expect(stop.wanted).toBeUndefined();
    const paused = held({ pausePoints: true });
    paused.hear(news(7, 'go_on'));
    paused.hear(news(6, 'paused'));
    expect(paused.wanted).toBeUndefined();
  });

  it.each(['cancelled', 'deleted', 'failed', 'lease_lost', 'waiting_for_approval'] as const)(
    'that it is %s counts before a pause, and nothing takes it back',
    (kind) => {
      const stop = held();
      stop.hear(news(6, 'paused'));
      stop.hear(news(7, kind));
      stop.hear(news(8, 'go_on'));
      expect(stop.wanted?.kind).toBe(kind);
      // The handler was told once.
      expect(stop.signal.reason).toMatchObject({ kind: 'paused' });
    },
  );

  it('fires a signal that nobody looked at until then', () => {
    const stop = held();
    stop.hear(news(6, 'cancelled'));
    expect(stop.signal.aborted).toBe(true);
    expect(stop.signal.reason).toBe(stop.fired);
  });
});

describe('A shutdown', () => {
  it('ends a handler at its next pause point, and any other when it is fired', () => {
    const stop = held();
    stop.shutDown();
    expect(stop.signal.aborted).toBe(false);
    expect(stop.fire()?.kind).toBe('shutdown');
    expect(stop.signal.aborted).toBe(true);
  });
});
