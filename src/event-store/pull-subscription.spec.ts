import { describe, expect, it } from '@jest/globals';
import type { LogBatch } from './event-log.port.js';
import { PullSubscription, type OffsetPage, type Watcher } from './pull-subscription.js';

/** A source that answers when the test says so. */
class SlowSource {
  readonly watchers = new Set<Watcher>();
  readonly asked: { readonly offset: number; readonly answer: (page: OffsetPage) => void }[] = [];
  private tell: (() => void) | undefined;

  pageAfter(offset: number): Promise<OffsetPage> {
    return new Promise((answer) => {
      this.asked.push({ offset, answer });
      this.tell?.();
    });
  }

  positionAt() {
    return undefined;
  }

  watch(watcher: Watcher): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  /** The n-th question, once it has been asked. */
  async question(n: number) {
    while (this.asked.length <= n) await new Promise<void>((resolve) => (this.tell = resolve));
    return this.asked[n]!;
  }
}

const page = (offset: number): OffsetPage => ({ events: [], offset, end: true });
const subscribe = (source: SlowSource, signal?: AbortSignal) =>
  new PullSubscription(source, { from: 0, filter: undefined, limit: 10, signal });

describe('a subscription that pulls', () => {
  it('asks again when something was appended while its page was on the way', async () => {
    const source = new SlowSource();
    const subscription = subscribe(source);
    const first = subscription.next();
    (await source.question(0)).answer(page(0));
    await first;
    const second = subscription.next();
    const { answer } = await source.question(1);
    for (const watcher of source.watchers) watcher.changed();
    answer(page(0));
    (await source.question(2)).answer(page(5));
    expect(((await second).value as LogBatch).caughtUp).toBe(true);
  });

  it('asks one question at a time, each from where the last page ended', async () => {
    const source = new SlowSource();
    const subscription = subscribe(source);
    const both = [subscription.next(), subscription.next()];
    (await source.question(0)).answer(page(5));
    const second = await source.question(1);
    expect(second.offset).toBe(5);
    second.answer(page(9));
    expect((await Promise.all(both)).map(({ done }) => done)).toEqual([false, false]);
  });

  it('is done at once when it ends during a question, and is watched by nobody then', async () => {
    const [source, abort] = [new SlowSource(), new AbortController()];
    const subscription = subscribe(source, abort.signal);
    const pending = subscription.next();
    const { answer } = await source.question(0);
    expect(source.watchers.size).toBe(1);
    abort.abort();
    expect(source.watchers.size).toBe(0);
    answer(page(5));
    expect(await pending).toEqual({ done: true, value: undefined });
    expect(source.asked).toHaveLength(1);
  });

  it('passes on an error of the log once and is over', async () => {
    const source = new SlowSource();
    const subscription = subscribe(source);
    source.pageAfter = () => Promise.reject(new Error('away'));
    await expect(subscription.next()).rejects.toThrow('away');
    expect(await subscription.next()).toEqual({ done: true, value: undefined });
    expect(source.watchers.size).toBe(0);
  });
});
