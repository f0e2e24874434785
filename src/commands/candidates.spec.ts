import { describe, expect, test } from '@jest/globals';
import type { CommandBus } from '@nestjs/cqrs';
import type { ErrorCode } from '@taskmanager/protocol';
import { Refusal } from '../context/index.js';
import { TASK_ID, contextFor } from '../../test/given.js';
import { sendToEach } from './candidates.js';
import { ResumeTask } from './resume-task.command.js';
import { messageOf } from './task-command.js';

const sendTo = (outcome: () => Promise<unknown>) =>
  sendToEach({ execute: outcome } as unknown as CommandBus, contextFor(), [TASK_ID], (id) =>
    messageOf(ResumeTask, { id }),
  );
const refusing = (code: ErrorCode) => async (): Promise<never> => {
  throw new Refusal(code, 'Not now.', {});
};

describe('a candidate that no longer fits is skipped:', () => {
  test.each<ErrorCode>([
    'INVALID_TRANSITION',
    'TASK_NOT_FOUND',
    'LEASE_LOST',
    'FORBIDDEN',
    'CONFLICT',
  ])('%s', async (code) => {
    expect(await sendTo(refusing(code))).toEqual([]);
  });

  test('nothing to change', async () => {
    expect(await sendTo(async () => ({ taskId: TASK_ID, events: [] }))).toEqual([]);
  });
});

describe('what says nothing about the candidate fails the whole call:', () => {
  test.each<ErrorCode>(['OVERLOADED', 'UNAVAILABLE'])('%s', async (code) => {
    await expect(sendTo(refusing(code))).rejects.toMatchObject({ code });
  });

  test('but not before the commands to the others have ended', async () => {
    let end = () => {};
    const sent: string[] = [];
    const commandBus = {
      execute: async ({ id }: ResumeTask) => {
        sent.push(id);
        if (id === TASK_ID) throw new Refusal('UNAVAILABLE', 'Not now.', {});
        await new Promise<void>((resolve) => (end = resolve));
        sent.push('ended');
      },
    } as unknown as CommandBus;
    const call = sendToEach(commandBus, contextFor(), [TASK_ID, 'other'], (id) =>
      messageOf(ResumeTask, { id }),
    );
    let ended = false;
    const failure = call.catch(() => (ended = true));
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    expect([sent, ended]).toEqual([[TASK_ID, 'other'], false]);
    end();
    await failure;
    expect(ended).toBe(true);
  });

  test('a fault, whatever code it has', async () => {
    const fault = Object.assign(new Error('A bug.'), { code: 'CONFLICT' });
    await expect(
      sendTo(async () => {
        throw fault;
      }),
    ).rejects.toBe(fault);
  });
});
