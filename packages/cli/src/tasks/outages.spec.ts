import { expect, it } from '@jest/globals';
import { TaskManager } from '@taskmanager/client';
import { FrameServer } from '../../../client/test/frame-server.js';
import { answer } from '../../test/cli.js';
import { tellOutages } from './outages.js';

/** How often is asked, and how long an answer may take, milliseconds. */
const EVERY_MS = 50;

it('An outage is told once, and its end', async () => {
  const there = () => answer({ events: [], caughtUp: true });
  const server = await FrameServer.start(there);
  const tasks = await TaskManager.connect({ transport: 'tcp', port: server.port, actor: 'ann' });
  const stopping = new AbortController();
  const told: (string | undefined)[] = [];
  let heard = () => {};
  const telling = tellOutages(
    tasks,
    stopping.signal,
    (trouble) => {
      told.push(trouble);
      heard();
    },
    EVERY_MS,
  );
  const next = () => new Promise<void>((resolve) => (heard = resolve));

  await server.stop();
  await next();
  const again = await FrameServer.start(there, server.port);
  await next();
  stopping.abort();
  await telling;
  expect(told).toEqual([expect.stringContaining('No connection to'), undefined]);
  await tasks.close();
  await again.stop();
});
