/** Load from one process: calls at a time, counted for a while. */
import { perSecond } from './figures.mjs';

export const IN_FLIGHT = 64;
export const TASKS = 1_000;

/** Makes the tasks and starts them; answers their ids. */
export async function makeTasks(client) {
  const ids = await Promise.all(
    Array.from({ length: TASKS }, (_, n) => client.createTask(`task ${n}`, 'publish')),
  );
  await Promise.all(ids.map((id) => client.startTask(id)));
  return ids;
}

/** Calls a second that were answered, 64 at a time; `call` is told in which of the 64 places it runs. */
export async function callsPerSecond(call, end, seconds) {
  const start = performance.now();
  const until = start + seconds * 1000;
  let calls = 0;
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async (_, place) => {
      while (performance.now() < until) {
        await call(place);
        calls++;
      }
    }),
  );
  await end?.();
  return perSecond(calls, performance.now() - start);
}

/** As `callsPerSecond`, with what each call cost this process in µs of processor time. */
export async function measuredCalls(call, seconds) {
  const start = performance.now();
  const before = process.cpuUsage();
  const rate = await callsPerSecond(call, undefined, seconds);
  const { user, system } = process.cpuUsage(before);
  return { rate, cpu: (user + system) / ((rate * (performance.now() - start)) / 1000) };
}

/**
 * Appends of one event, 64 in flight, each on top of the last one of its stream, over 1,000 streams that
 * are new; `append(stream, revision)` answers the next revision, and is given undefined for the first.
 * Warmed up as long as it is measured.
 */
export async function measuredAppends(append, seconds) {
  const run = `${process.pid}-${Date.now()}`;
  const streams = Array.from({ length: IN_FLIGHT }, () => ({ next: 0, own: [] }));
  for (let n = 0; n < TASKS; n++) {
    streams[n % IN_FLIGHT].own.push({ name: `${run}-${n}`, revision: undefined });
  }
  const call = async (place) => {
    const mine = streams[place];
    const stream = mine.own[mine.next++ % mine.own.length];
    stream.revision = await append(stream.name, stream.revision);
  };
  await callsPerSecond(call, undefined, seconds);
  return measuredCalls(call, seconds);
}
