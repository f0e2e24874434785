import { afterEach, describe, expect, it } from '@jest/globals';
import { type Answerer, FrameServer } from '../../client/test/frame-server.js';
import { answer, task, TASK_ID } from './cli.js';
import { KEYS, Terminal } from './terminal.js';

/** As a person sees it: the built program in a real terminal; its service answers as the test says. */

const JOB = '0190a5a0-0000-7000-8000-0000000000f0';

let terminal: Terminal | undefined;
let server: FrameServer | undefined;
afterEach(async () => {
  await terminal?.close();
  await server?.stop();
  terminal = server = undefined;
});

async function open(
  args: readonly string[],
  answers: Answerer,
  size?: { readonly rows: number; readonly columns: number },
): Promise<Terminal> {
  server = await FrameServer.start(answers);
  terminal = new Terminal(args, { TASKMANAGER_SERVER: `tcp://127.0.0.1:${server.port}` }, size);
  return terminal;
}

const sent = () => server!.received.map(({ pattern }) => pattern.split('.')[2]);

/** The job of a rebuild, as far as the test lets it come. */
class Rebuild {
  private state: object = { state: 'running', progress: { done: 0, total: 1_000, unit: 'events' } };

  readonly answers: Answerer = ({ pattern }) => {
    if (pattern.endsWith('rebuild_projection')) return answer({ jobId: JOB });
    const kind = 'rebuild_projection';
    return answer({ jobId: JOB, kind, by: 'ann', args: {}, startedAt: 0, ...this.state });
  };

  comesTo(done: number): void {
    const progress = { step: 'fold', done, total: 1_000, unit: 'events', rate: 100, leftMs: 7_000 };
    this.state = { state: 'running', progress };
  }

  ends(): void {
    const differences = { differences: [], differenceCount: 0 };
    const report = {
      projection: 'tasks',
      generation: 3,
      ok: true,
      rows: 50,
      events: 1_000,
      kept: 2,
    };
    this.state = { state: 'done', result: { ...report, ...differences } };
  }
}

describe('A rebuild in a terminal', () => {
  it('shows a bar that moves, and leaves its result alone on the screen', async () => {
    const rebuild = new Rebuild();
    const screen = await open(['projection', 'rebuild', 'tasks'], rebuild.answers);
    rebuild.comesTo(300);
    await screen.until(
      /rebuild projection: fold {2}█{7}░{17} {2}30 % {2}300 of 1,000 events {2}100\/s {2}7s left/,
    );
    rebuild.comesTo(900);
    const moved = await screen.until(/90 % {2}900 of 1,000 events/);
    expect(moved).not.toContain('30 %');
    rebuild.ends();
    expect(await screen.exit).toBe(0);
    expect(screen.text()).toBe(
      'Build 3 serves, made of 1,000 events. Build 2 is kept: taskmanager projection drop.\n✓ tasks agrees with the log: 50 rows compared.',
    );
  });

  it('shows its bar where the terminal does not say how large it is', async () => {
    const rebuild = new Rebuild();
    const unsized = { rows: 0, columns: 0 };
    const screen = await open(['projection', 'rebuild', 'tasks'], rebuild.answers, unsized);
    rebuild.comesTo(300);
    await screen.until(/fold {2}█+░+ {2}30 % {2}300 of 1,000 events {2}100\/s {2}7s left/);
    rebuild.ends();
    expect(await screen.exit).toBe(0);
  });

  it('goes on without its reader, who is told how to come back', async () => {
    const rebuild = new Rebuild();
    const screen = await open(['projection', 'rebuild', 'tasks'], rebuild.answers);
    rebuild.comesTo(300);
    await screen.until(/30 %/);
    screen.type(KEYS.ctrlC);
    expect(await screen.exit).toBe(130);
    expect(screen.text().replaceAll('\n', '')).toContain(`taskmanager job get ${JOB} --follow`);
    expect(sent()).not.toContain('abort_job');
  });
});

describe('A question in a terminal', () => {
  const answers: Answerer = ({ pattern }) =>
    pattern.endsWith('get_task')
      ? answer(task())
      : answer({
          taskId: TASK_ID,
          taskType: 'publish',
          status: 'cancelled',
          revision: 6,
          events: [{}],
        });
  const cancel = ['task', 'cancel', TASK_ID];

  it('names what it is about, and no is what it takes for an answer first', async () => {
    const screen = await open(cancel, answers);
    await screen.until(
      /Cancel “Publish left-pad” \(publish of shop, running, 40 % \(4 of 10\)\)\?/,
    );
    screen.type(KEYS.enter);
    expect(await screen.exit).toBe(1);
    expect(screen.text()).toContain('Nothing was done.');
    expect(sent()).not.toContain('cancel_task');
  });

  it('does it at a yes', async () => {
    const screen = await open(cancel, answers);
    await screen.until(/Cancel “/);
    screen.type('y');
    expect(await screen.exit).toBe(0);
    expect(sent()).toContain('cancel_task');
    expect(screen.text()).toContain('It is cancelled now');
  });

  it('does nothing at Ctrl-C', async () => {
    const screen = await open(cancel, answers);
    await screen.until(/Cancel “/);
    screen.type(KEYS.ctrlC);
    expect(await screen.exit).toBe(1);
    expect(sent()).not.toContain('cancel_task');
  });
});

describe('What tasks say in a terminal', () => {
  it('is read, never obeyed', async () => {
    const name = 'a\u001b[2J\u001b]0;title\u0007\u009b31m\nb';
    const screen = await open(['task', 'get', TASK_ID], () => answer(task({ name })));
    expect(await screen.exit).toBe(0);
    expect(screen.text()).toContain('a\\u001b[2J\\u001b]0;title\\u0007\\u009b31m\\nb');
    expect(screen.isColoured('running')).toBe(true);
  });
});
