import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { CommandContext } from '../../context/index.js';
import { withContext } from '../../context/index.js';
import { MemoryEventLog } from '../../event-store/memory/index.js';
import { taskStream } from '../../events/index.js';
import { NOW, TASK_ID, contextFor, intactStream, replica } from '../../../test/given.js';
import {
  type ApproverNotice,
  ApproverNotices,
  type NoticeOutcome,
} from '../approver-notices.port.js';
import { RequestApproval } from '../request-approval.command.js';
import { RequestApprovalHandler } from '../request-approval.handler.js';
import { StartTask } from '../start-task.command.js';
import { StartTaskHandler } from '../start-task.handler.js';
import { messageOf } from '../task-command.js';
import { NotifyApprovers } from './notify-approvers.command.js';
import { NotifyApproversHandler } from './notify-approvers.handler.js';

/** Notices stay on their way until the test lets them go. */
class HeldNotices extends ApproverNotices {
  readonly held: { readonly notice: ApproverNotice; readonly deliver: () => void }[] = [];

  send(notice: ApproverNotice): Promise<readonly NoticeOutcome[]> {
    return new Promise((resolve) => {
      const deliver = () => resolve([{ channel: 'log', outcome: 'delivered' }]);
      this.held.push({ notice, deliver });
    });
  }

  async arrived(count: number): Promise<void> {
    while (this.held.length < count) await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('telling approvers', () => {
  let log: MemoryEventLog;
  let notices: HeldNotices;

  beforeEach(async () => {
    log = new MemoryEventLog();
    notices = new HeldNotices();
    await waiting(TASK_ID);
  });

  const waiting = async (id: string): Promise<void> => {
    const process = replica(log);
    await process.create({ id });
    await process.send(StartTask, StartTaskHandler, { id } as object);
    await process.send(RequestApproval, RequestApprovalHandler, { id } as object);
  };
  const handler = () => new NotifyApproversHandler(replica(log).executor, notices);
  const tell = (to: NotifyApproversHandler, id = TASK_ID, context: Partial<CommandContext> = {}) =>
    to.execute(
      withContext(
        messageOf(NotifyApprovers, { id, requestedAt: NOW, kind: 'requested' }),
        contextFor({ commandId: randomUUID(), ...context }),
      ),
    );
  const recorded = async (id = TASK_ID) =>
    (await intactStream(log, taskStream(id))).filter(({ type }) => type === 'ApproversNotified');

  const one = randomUUID();
  test.each([
    ['the same', [one, one]],
    ['another', [one, randomUUID()]],
  ])('by two processes under %s command sends one id and records one notice', async (_, ids) => {
    const both = ids.map((commandId) => tell(handler(), TASK_ID, { commandId }));
    await notices.arrived(2);
    const [first, second] = notices.held;
    expect(second!.notice).toEqual(first!.notice);
    for (const { deliver } of notices.held) deliver();
    const answers = await Promise.all(both);
    expect(answers.map(({ revision }) => revision)).toEqual([3, 3]);
    expect(await recorded()).toHaveLength(1);
  });

  test('is answered at once when it was recorded before', async () => {
    const commandId = randomUUID();
    const first = tell(handler(), TASK_ID, { commandId });
    await notices.arrived(1);
    notices.held[0]!.deliver();
    const { events } = await first;
    expect(await tell(handler(), TASK_ID, { commandId })).toMatchObject({ events, repeated: true });
    expect(await tell(handler())).toMatchObject({ events: [], revision: 3 });
    expect(notices.held).toHaveLength(1);
  });

  test('that is given up when the service stops records nothing and is tried again', async () => {
    const stopping = new AbortController();
    const told = tell(handler(), TASK_ID, { gone: stopping.signal });
    await notices.arrived(1);
    stopping.abort();
    notices.held[0]!.deliver();
    await expect(told).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await recorded()).toEqual([]);
  });

  test('while more are on their way than may be is refused at once, and goes on when there is room', async () => {
    const one = handler();
    const ids = Array.from({ length: 1_024 }, () => randomUUID());
    await Promise.all(ids.map(waiting));
    const many = ids.map((id) => tell(one, id));
    await notices.arrived(1_024);
    await expect(tell(one)).rejects.toMatchObject({ code: 'OVERLOADED' });
    for (const { deliver } of notices.held) deliver();
    await Promise.all(many);
    const last = tell(one);
    await notices.arrived(1_025);
    notices.held.at(-1)!.deliver();
    await last;
    expect(await recorded()).toHaveLength(1);
  });
});
