import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable, Module, type Provider, Scope } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FrameServer } from '../../test/frame-server.js';
import type { RunningTask } from '../worker/running-task.js';
import { TaskHandler, TaskManagerModule, TaskWorkerModule } from './index.js';

/** Which applications start as workers, and what the others are told. */

@TaskHandler('paint')
@Injectable()
class Paint {
  handle(task: RunningTask<{ wall: string }>) {
    return task.input.wall;
  }
}

@TaskHandler('paint')
@Injectable()
class PaintToo {
  handle() {}
}

@TaskHandler('varnish')
@TaskHandler('polish', { concurrency: 2 })
@Injectable()
class Finish {
  readonly handle = () => undefined;
}

/** Undecorated, whatever its parent is. */
@Injectable()
class Repaint extends Paint {}

@TaskHandler('each_request')
@Injectable({ scope: Scope.REQUEST })
class EachRequest {
  handle() {}
}

@TaskHandler('each_place')
@Injectable({ scope: Scope.TRANSIENT })
class EachPlace {
  handle() {}
}

@TaskHandler('No Type')
@Injectable()
class NoType {
  handle() {}
}

class Handless {}
TaskHandler('handless')(Handless as never);

const NO_TASKS = { response: { tasks: [] } };
const END_OF_FEED = { response: { events: [], caughtUp: true } };

let server: FrameServer;

beforeEach(async () => {
  server = await FrameServer.start(({ pattern, data }) => {
    // A claim that waits is left without an answer until it is taken back.
    if (pattern.endsWith('claim_tasks')) return data.waitMs ? undefined : NO_TASKS;
    return data.from === 'now' ? END_OF_FEED : undefined;
  });
});

afterEach(() => server.stop());

/** Starts an application with these providers, each list in a module of its own; three claims later it closes. */
async function startWith(...lists: Provider[][]): Promise<void> {
  const modules = lists.map((providers, n) => {
    const name = `Part${n + 1}Module`;
    const named = { [name]: class {} }[name]!;
    Module({ providers })(named);
    return named;
  });
  @Module({
    imports: [
      TaskManagerModule.forRoot({ transport: 'tcp', port: server.port }),
      TaskWorkerModule.forRoot({ workerId: 'w1', log: silent }),
      ...modules,
    ],
  })
  class AppModule {}
  const options = { logger: false, abortOnError: false } as const;
  const app = await NestFactory.createApplicationContext(AppModule, options);
  const deadline = performance.now() + 10_000;
  while (claimed().length < 3 && performance.now() < deadline) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  await app.close();
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const claimed = () => server.received.filter(({ pattern }) => pattern.endsWith('claim_tasks'));

describe('TaskWorkerModule', () => {
  it('claims the types of every decorated provider, whatever module it is in', async () => {
    const alias = { provide: 'alias', useExisting: Paint };
    await startWith([Paint, alias], [Finish, Repaint]);
    const wishes = claimed().map(({ data }) => data);
    const types = new Set(wishes.flatMap(({ taskTypes }) => taskTypes as string[]));
    expect([...types].sort()).toEqual(['paint', 'polish', 'varnish']);
    expect(wishes).toContainEqual(
      expect.objectContaining({ taskTypes: ['polish'], limit: 2, workerId: 'w1' }),
    );
  });

  it('says that there is no handler, and where one has to be named', async () => {
    await expect(startWith([Repaint])).rejects.toThrow(/no handler.*@TaskHandler.*providers/);
  });

  it('names both when two are for one type, also when one class is in two modules', async () => {
    await expect(startWith([Paint], [PaintToo])).rejects.toThrow(
      /type paint: Paint in Part1Module, and PaintToo in Part2Module/,
    );
    await expect(startWith([Paint], [Paint])).rejects.toThrow(
      /type paint: Paint in Part1Module, and Paint in Part2Module/,
    );
  });

  it('says that a decorated class has no handle', async () => {
    await expect(startWith([Handless])).rejects.toThrow(
      /@TaskHandler\('handless'\) Handless in Part1Module has no method handle/,
    );
  });

  it('says that a handler is no singleton', async () => {
    await expect(startWith([EachRequest])).rejects.toThrow(/EachRequest in Part1Module.*singleton/);
    await expect(startWith([EachPlace])).rejects.toThrow(/EachPlace in Part1Module.*singleton/);
  });

  it('says what is no task type', async () => {
    await expect(startWith([NoType])).rejects.toThrow(/"No Type" is no task type/);
  });
});
