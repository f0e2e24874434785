import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { CompleteTask } from '../commands/complete-task.command.js';
import { StartTask } from '../commands/start-task.command.js';
import { HealthChecksSaga } from './health-checks.fixture.js';
import { openStage } from './sagas.fixture.js';

const here = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

test('the saga that the guide shows does what the guide says', async () => {
  const shown = /^```ts file=health-checks\.saga\n([\s\S]*?)^```$/m.exec(
    here('../../docs/guides/sagas.md'),
  );
  expect(shown?.[1]).toBe(here('./health-checks.fixture.ts'));
  for (const [taskType, last] of [
    ['health_check', 'TaskDeleted'],
    ['publish', 'TaskCompleted'],
  ]) {
    const stage = await openStage([HealthChecksSaga]);
    await stage.create({ taskType, runBy: 'app' } as object);
    await stage.send(StartTask);
    await stage.send(CompleteTask);
    await stage.settle();
    expect((await stage.types()).at(-1)).toBe(last);
    await stage.again();
    await stage.close();
  }
});
