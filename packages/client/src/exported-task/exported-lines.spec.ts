import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import type { ExportedEvent } from '@taskmanager/protocol';
import { exportedLines } from './exported-lines.js';

const TASK_ID = '0190a5a0-0000-7000-8000-000000000001';
const NAME = 'a\u2028b\u2029c\u0085d\u009b2Je\u202ef\\\u2028 größe 大き 👍';

const event: ExportedEvent = {
  stream: `task-${TASK_ID}`,
  revision: 0,
  id: TASK_ID,
  type: 'TaskCreated',
  data: JSON.stringify({ name: NAME }),
  metadata: JSON.stringify({ taskType: 'publish', appName: NAME }),
};

async function written(): Promise<string[]> {
  const page = { taskId: TASK_ID, logId: '0000abcd', events: [event] };
  const lines: string[] = [];
  for await (const line of exportedLines(
    () => Promise.resolve(page),
    () => 0,
  )) {
    lines.push(line);
  }
  return lines;
}

describe('A line of an exported task', () => {
  it('is one line to every reader, and nothing that a terminal would act on', async () => {
    const lines = await written();
    expect(lines).toHaveLength(3);

    for (const line of lines) expect(line).not.toMatch(/[\p{Cc}\u2028\u2029\u202e]/u);
    expect(lines[1]).toContain('größe 大き 👍');
  });

  it('is the same event to a program, and what the digest is taken over', async () => {
    const [head, line, foot] = await written();
    expect(JSON.parse(head!)).toMatchObject({ appName: NAME });
    expect(JSON.parse(line!)).toEqual(event);
    const sha256 = createHash('sha256').update(`${head}\n${line}\n`).digest('hex');
    expect(JSON.parse(foot!)).toEqual({ events: 1, refusals: 0, sha256 });
  });
});
