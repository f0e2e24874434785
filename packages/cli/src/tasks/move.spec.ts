import { afterAll, expect, it } from '@jest/globals';
import type { ExportedEvent } from '@taskmanager/protocol';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { created } from '../../../../test/given.js';
import { EMPTY_CHAIN, encodeEvent } from '../../../../src/events/index.js';
import { exportedLines } from '../../../client/src/exported-task/exported-lines.js';
import { answer, TASK_ID, taskmanager } from '../../test/cli.js';

const folder = mkdtempSync(join(tmpdir(), 'task-import-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A task of so many events that they are sent in two pieces. */
async function exported(): Promise<string> {
  const stream = `task-${TASK_ID}`;
  const metadata = {
    ...{ timestamp: 1, actor: { id: 'ann', roles: [], verified: true }, commandId: 'c' },
    ...{ $correlationId: 'c', $causationId: 'c', transport: 'tcp' },
  };
  const events: ExportedEvent[] = [];
  let end = EMPTY_CHAIN;
  for (let n = 0; n < 501; n++) {
    const { text, chain } = encodeEvent(end, stream, TASK_ID, created(), metadata);
    end = chain;
    events.push({ stream, revision: chain.revision, ...text });
  }
  const lines: string[] = [];
  const page = () => Promise.resolve({ taskId: TASK_ID, logId: '0000abcd', events });
  for await (const line of exportedLines(page, () => 0)) lines.push(`${line}\n`);
  const file = join(folder, 'task.ndjson');
  writeFileSync(file, lines.join(''));
  return file;
}

it.each<[flags: string[], anew: true | undefined]>([
  [['--anew'], true],
  [[], undefined],
])('task import %j begins anew with the first piece, or never', async (flags, anew) => {
  const held = { taskId: TASK_ID, events: 501, refusals: 0, complete: true };
  const args = ['task', 'import', await exported(), '--yes', ...flags];
  const { code, asked } = await taskmanager(args, { answers: { import_task: answer(held) } });
  expect(code).toBe(0);
  const fields = asked.map((one) => one.fields as { anew?: true; complete?: object });
  expect(fields.map((each) => each.anew)).toEqual([anew, undefined]);
  expect(fields.map(({ complete }) => complete)).toEqual([undefined, { events: 501, refusals: 0 }]);
});
