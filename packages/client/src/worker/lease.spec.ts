import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FrameServer } from '../../test/frame-server.js';
import { TaskManager } from '../index.js';
import { Lease } from './lease.js';

/** Over a real connection on which messages get lost. */
describe('a lease', () => {
  const LEASE_MS = 1_000;
  let server: FrameServer;
  let client: TaskManager;
  let lost: string[];

  beforeEach(async () => {
    lost = [];
    server = await FrameServer.start(({ pattern }) => {
      const first = !lost.includes(pattern);
      lost.push(pattern);
      return first ? undefined : { response: { revision: 2, status: 'running', events: [] } };
    });
    client = await TaskManager.connect({ transport: 'tcp', port: server.port });
  });
  afterEach(async () => {
    await client.close({ waitMs: 0 });
    await server.stop();
  });

  const leaseOf = () =>
    new Lease({
      ...{ client, taskId: 't', workerId: 'w', leaseEpoch: 1, leaseMs: LEASE_MS },
      ...{ hear: () => undefined, ended: new AbortController().signal },
    });

  it('is renewed in time when the first renewal has no answer', async () => {
    const begun = performance.now();
    const lease = leaseOf();
    while (server.received.length < 2 && performance.now() - begun < LEASE_MS) {
      lease.renew(performance.now() - LEASE_MS / 3);
      await new Promise((resolve) => setTimeout(resolve, LEASE_MS / 12));
    }
    expect(server.received.map(({ pattern }) => pattern)).toEqual([
      'tasks.command.renew_lease',
      'tasks.command.renew_lease',
    ]);
  });

  it('sends an end whose answer was lost again, as the same command, before it is over', async () => {
    const begun = performance.now();
    await leaseOf().insist('complete_task', {});
    expect(performance.now() - begun).toBeLessThan(LEASE_MS);
    const [first, again] = server.received.map(({ data }) => data.meta);
    expect(again).toEqual({ ...(first as object), retry: true });
  });
});
