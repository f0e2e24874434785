import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { TimeLimits } from '../time-limits.js';
import { type Progress, progressOf, ProgressReport } from './progress-report.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** What is sent is answered when `answer` is called; at once by default. */
function reporting() {
  const sent: Progress[] = [];
  const due = new TimeLimits<ProgressReport>((report) => report.flush());
  let answered: Promise<void> = Promise.resolve();
  const report = new ProgressReport((progress) => {
    sent.push(progress);
    return answered;
  }, due);
  const holdAnswers = () => {
    let answer!: () => void;
    answered = new Promise((resolve) => (answer = resolve));
    return answer;
  };
  return { report, sent, due, holdAnswers };
}

describe('Progress on its way', () => {
  it('goes at once when nothing was said for a while', () => {
    const { report, sent } = reporting();
    report.report({ progress: 1 });
    expect(sent).toEqual([{ progress: 1 }]);
  });

  it('goes at most once in 100 ms, and the last always does', async () => {
    const { report, sent } = reporting();
    for (let progress = 1; progress <= 100; progress++) {
      report.report({ progress });
      await jest.advanceTimersByTimeAsync(10);
    }
    expect(sent.length).toBeLessThanOrEqual(11);
    await jest.advanceTimersByTimeAsync(200);
    expect(sent.at(-1)).toEqual({ progress: 100 });
    expect(jest.getTimerCount()).toBe(0);
  });

  it('keeps a message that a later one says nothing about', async () => {
    const { report, sent } = reporting();
    report.report({ progress: 1 });
    report.report({ progress: 2, message: 'half of it' });
    report.report({ progress: 3 });
    await jest.advanceTimersByTimeAsync(150);
    expect(sent).toEqual([{ progress: 1 }, { progress: 3, message: 'half of it' }]);
  });

  it('is not sent again and again while the service is away, and the newest when it is back', async () => {
    const { report, sent, holdAnswers } = reporting();
    const answer = holdAnswers();
    report.report({ progress: 1 });
    for (let progress = 2; progress <= 50; progress++) {
      report.report({ progress });
      await jest.advanceTimersByTimeAsync(100);
    }
    expect(sent).toEqual([{ progress: 1 }]);
    answer();
    await jest.advanceTimersByTimeAsync(0);
    expect(sent).toEqual([{ progress: 1 }, { progress: 50 }]);
  });

  it('goes in front of what follows when it is flushed, answered or not, and only once', async () => {
    const { report, sent, due, holdAnswers } = reporting();
    holdAnswers();
    report.report({ progress: 1 });
    report.report({ progress: 2 });
    report.flush();
    report.flush();
    await jest.advanceTimersByTimeAsync(200);
    expect(sent).toEqual([{ progress: 1 }, { progress: 2 }]);
    expect(due.size).toBe(0);
  });

  it('is forgotten when it is dropped', async () => {
    const { report, sent } = reporting();
    report.report({ progress: 1 });
    report.report({ progress: 2 });
    report.close({ drop: true });
    await jest.advanceTimersByTimeAsync(200);
    expect(sent).toEqual([{ progress: 1 }]);
  });
});

describe('What is progress', () => {
  it('is a percentage, or items of all there are', () => {
    expect(progressOf(12.5)).toEqual({ progress: 12.5 });
    expect(progressOf({ completedItems: 0, totalItems: 0 })).toEqual({
      completedItems: 0,
      totalItems: 0,
    });
  });

  it.each([-1, 101, NaN])('is not %d', (value) => {
    expect(() => progressOf(value)).toThrow(TypeError);
  });

  it.each([
    [2, 1],
    [-1, 1],
    [0.5, 1],
    [1, Infinity],
  ])('is not %d of %d items', (completedItems, totalItems) => {
    expect(() => progressOf({ completedItems, totalItems })).toThrow(TypeError);
  });
});
