import { describe, expect, it } from '@jest/globals';
import { answer, task, TASK_ID, taskmanager } from '../../test/cli.js';

const over = {
  status: 'failed',
  progress: 40,
  error: 'no\u001b disk',
  completedAt: 0,
  revision: 6,
};
const answers = {
  get_task: answer(task(over)),
  read_events: answer({ events: [], position: 'p', caughtUp: true }),
};

/** In a pipe; a live one is watched in test/command-line.e2e-spec.ts. */
describe('A watch of a task that was over before', () => {
  it('tells its end, and by the exit code how it ended', async () => {
    const { code, out } = await taskmanager(['task', 'watch', TASK_ID, '--iso'], { answers });
    expect(out).toBe(
      `1970-01-01T00:00:00.000Z  ${TASK_ID}  Publish left-pad  failed 40 %: no\\u001b disk\n`,
    );
    expect(code).toBe(1);
    const good = { ...answers, get_task: answer(task({ status: 'completed' })) };
    expect(await taskmanager(['task', 'watch', TASK_ID], { answers: good })).toMatchObject({
      code: 0,
      out: expect.stringContaining('completed'),
    });
  });

  it('tells programs, too', async () => {
    const { out } = await taskmanager(['task', 'watch', TASK_ID, '--json'], { answers });
    const told = { event: 'failed', taskId: TASK_ID, revision: 6, at: 0, error: over.error };
    expect(JSON.parse(out)).toMatchObject(told);
  });
});
