import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { EventLog, NewEvent } from '../../event-store/index.js';
import { MemoryEventLog } from '../../event-store/memory/index.js';
import {
  EMPTY_CHAIN,
  encodeEvent,
  TASK_TYPES_STREAM,
  TaskCancelled,
  TaskErrorRecorded,
  TaskStarted,
  TaskTypeLimited,
} from '../../events/index.js';
import { TaskLog } from '../task-log.fixture.js';
import { KnownTaskTypes } from '../task-types/known-task-types.js';
import { temporaryFolder, Views } from '../views.fixture.js';
import { ClaimSlots } from './claim-slots.js';

const WAIT_MS = 2_000;
const PUBLISH = { taskTypes: ['publish'] };
const ACTOR = { id: 'olga', roles: ['admin'], verified: true };

/** A log into which a newer release writes at times: types that this one does not know. */
class MixedLog extends MemoryEventLog {
  newer = false;

  override append(...[stream, expected, events]: Parameters<EventLog['append']>) {
    const named = (event: NewEvent) => ({ ...event, type: `Later${event.type}` });
    return super.append(stream, expected, this.newer ? events.map(named) : events);
  }
}

describe('the places of a task type of which one task may be held', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let log: MixedLog;
  let tasks: TaskLog;
  let views: Views;

  beforeEach(async () => {
    folder = temporaryFolder();
    log = new MixedLog();
    tasks = new TaskLog(log);
    views = await Views.over(tasks.log, folder.path('views.db'));
    const limited = new TaskTypeLimited({ taskType: 'publish', maxRunning: 1 });
    const { text } = encodeEvent(EMPTY_CHAIN, TASK_TYPES_STREAM, 'event-1', limited, {
      ...{ timestamp: tasks.now, actor: ACTOR, commandId: 'c', $correlationId: 'c' },
      ...{ $causationId: 'c', transport: 'test', taskType: 'publish' },
    });
    await tasks.log.append(TASK_TYPES_STREAM, 'no_stream', [text]);
    await views.part(KnownTaskTypes).refresh();
  });
  afterEach(async () => {
    await views.close();
    folder.remove();
  });

  const start = (id: string) =>
    tasks.append(
      id,
      new TaskStarted({
        ...{ attempt: 1, workerId: 'w', leaseEpoch: 1 },
        ...{ leaseExpiresAt: tasks.now * 2, claimId: 'c' },
      }),
    );
  const forWorkers = async () => {
    const id = await tasks.create({ runBy: 'worker' });
    await views.reach((await tasks.log.head())!);
    return id;
  };

  it('wake who waits also when the task is over before its claim knows that it took it', async () => {
    const [first, second] = [await forWorkers(), await forWorkers()];
    expect(await views.finder.takeSlot(first, 'publish')).toBe(true);
    expect(await views.finder.takeSlot(second, 'publish')).toBe(false);
    const woken = views.finder.waitForClaimable(PUBLISH, WAIT_MS);
    const position = await start(first);
    await views.reach(await tasks.append(first, new TaskCancelled({})));
    views.finder.settleSlot(first, { revision: 1, position });
    expect(await woken).toBe(true);
    expect(await views.finder.takeSlot(second, 'publish')).toBe(true);
  });

  it('are given back by a task that the view cannot follow any further', async () => {
    const id = await forWorkers();
    log.newer = true;
    await views.reach(await tasks.append(id, new TaskErrorRecorded({ error: 'parked here' })));
    log.newer = false;
    expect(await views.finder.takeSlot(id, 'publish')).toBe(true);
    const position = await start(id);
    views.finder.settleSlot(id, { revision: 2, position });
    await views.reach(position);
    expect(views.part(ClaimSlots).roomFor('publish')).toBe(1);
  });
});
