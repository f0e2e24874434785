import { expect, it } from '@jest/globals';
import { useEventLog, type MakeEventLogHarness } from './event-log-harness.js';

export function snapshotCases(make: MakeEventLogHarness): void {
  const using = useEventLog(make);
  const snapshot = (revision: bigint, version = 1) => ({
    revision,
    version,
    state: `{"at":"${revision} ü"}`,
  });

  it('has none for a stream that never had one', async () => {
    const { log, newStream } = using();
    expect(await log.readSnapshot(newStream())).toBeUndefined();
  });

  it('gives back what was written last', async () => {
    const { log, newStream } = using();
    const stream = newStream();
    await log.writeSnapshot(stream, snapshot(3n));
    await log.writeSnapshot(stream, snapshot(7n));
    expect(await log.readSnapshot(stream)).toEqual(snapshot(7n));
    expect(await log.readSnapshot(newStream())).toBeUndefined();
  });

  it('keeps the higher revision when an older snapshot of the same version comes late', async () => {
    const { log, newStream } = using();
    const stream = newStream();
    await log.writeSnapshot(stream, snapshot(7n));
    await log.writeSnapshot(stream, snapshot(3n));
    expect(await log.readSnapshot(stream)).toEqual(snapshot(7n));
  });

  it('lets a snapshot of another version replace it whatever its revision', async () => {
    const { log, newStream } = using();
    const stream = newStream();
    await log.writeSnapshot(stream, snapshot(7n, 1));
    await log.writeSnapshot(stream, snapshot(3n, 2));
    expect(await log.readSnapshot(stream)).toEqual(snapshot(3n, 2));
  });

  it('forgets a deleted snapshot, and deleting none is no error', async () => {
    const { log, newStream } = using();
    const stream = newStream();
    await log.writeSnapshot(stream, snapshot(7n));
    await log.deleteSnapshot(stream);
    await log.deleteSnapshot(stream);
    expect(await log.readSnapshot(stream)).toBeUndefined();
  });
}
