import { expect, it } from '@jest/globals';
import { LogUnavailable } from '../../src/event-store/index.js';
import { newEvent, useEventLog, type MakeEventLogHarness } from './event-log-harness.js';

export function closingCases(make: MakeEventLogHarness): void {
  const using = useEventLog(make);

  it('is healthy while open', async () => {
    await expect(using().log.health()).resolves.toBeUndefined();
  });

  it('can be closed twice, and at the same time', async () => {
    const log = await using().harness.open();
    await Promise.all([log.close(), log.close()]);
    await log.close();
  });

  it('finishes the appends under way', async () => {
    const { log, harness, newStream } = using();
    const [closing, stream] = [await harness.open(), newStream()];
    const appended = closing.append(stream, 'no_stream', [newEvent()]);
    await closing.close();
    expect((await appended).revision).toBe(0n);
    expect(await log.readStream(stream)).toHaveLength(1);
  });

  it('ends subscriptions without an error, those that wait and those that do not', async () => {
    const closing = await using().harness.open();
    const open = () => closing.subscribe({ from: 'now' })[Symbol.asyncIterator]();
    const [waiting, idle] = [open(), open()];
    await Promise.all([waiting.next(), idle.next()]);
    const pending = waiting.next();
    await closing.health();
    await closing.close();
    expect(await pending).toEqual({ done: true, value: undefined });
    expect(await idle.next()).toEqual({ done: true, value: undefined });
  });

  it('refuses everything afterwards as unavailable, with nothing left in doubt', async () => {
    const { harness, newStream } = using();
    const closed = await harness.open();
    await closed.close();
    const refused = { code: 'LOG_UNAVAILABLE', outcomeUnknown: false };
    await expect(closed.append(newStream(), 'any', [newEvent()])).rejects.toMatchObject(refused);
    await expect(closed.readStream(newStream())).rejects.toMatchObject(refused);
    await expect(closed.readAll()).rejects.toMatchObject(refused);
    await expect(closed.head()).rejects.toMatchObject(refused);
    await expect(closed.readSnapshot(newStream())).rejects.toMatchObject(refused);
    await expect(closed.deleteSnapshot(newStream())).rejects.toMatchObject(refused);
    await expect(closed.health()).rejects.toMatchObject(refused);
    expect(() => closed.subscribe({ from: 'start' })).toThrow(LogUnavailable);
  });
}
