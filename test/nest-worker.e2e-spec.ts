import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type INestApplicationContext, Injectable, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type RunningTask, TaskManager, TaskWorker } from '@taskmanager/client';
import { TaskHandler, TaskManagerModule, TaskWorkerModule } from '@taskmanager/client/nest';
import { once } from 'node:events';
import { type Service, startService } from './service.js';

/** A NestJS application that is a worker, against the real service. */

const APP = 'painting';
let service: Service;
let client: TaskManager;
let app: INestApplicationContext | undefined;
/** What happened in the application, in order. */
let told: string[];

/** What handlers need, and what has to last as long as they run. */
@Injectable()
class Paint {
  private left = true;
  readonly color = 'red';

  take(): string {
    if (!this.left) throw new Error('The paint is gone');
    return this.color;
  }

  beforeApplicationShutdown(): void {
    this.left = false;
    told.push('paint closed');
  }
}

/** Holds its tasks until the test lets them go on. */
class Gate {
  private open!: () => void;
  readonly opened = new Promise<void>((resolve) => (this.open = resolve));
  private entered!: () => void;
  readonly reached = new Promise<void>((resolve) => (this.entered = resolve));
  inside = 0;

  async pass(signal: AbortSignal): Promise<void> {
    this.inside++;
    this.entered();
    await Promise.race([this.opened, once(signal, 'abort')]);
  }

  letPass(): void {
    this.open();
  }
}

let gate: Gate;

@TaskHandler('nest_paint')
@Injectable()
class PaintWall {
  constructor(private readonly paint: Paint) {}

  handle(task: RunningTask<{ wall: string }>) {
    task.progress(50, 'first coat');
    return { wall: task.input.wall, color: this.paint.take() };
  }
}

@TaskHandler('nest_slow', { concurrency: 2 })
@Injectable()
class PaintSlowly {
  constructor(private readonly paint: Paint) {}

  async handle({ signal }: RunningTask) {
    await gate.pass(signal);
    signal.throwIfAborted();
    told.push('painted');
    return this.paint.take();
  }
}

@Module({ providers: [PaintWall, PaintSlowly, Paint] })
class PaintingModule {}

async function start(...imports: Parameters<typeof Module>[0]['imports'] & object) {
  @Module({
    imports: [
      TaskManagerModule.forRoot({ transport: 'tcp', port: service.port, actor: 'painter' }),
      ...imports,
    ],
  })
  class AppModule {}
  app = await NestFactory.createApplicationContext(AppModule as Type, {
    logger: false,
    abortOnError: false,
  });
  return app;
}

const create = (type: string, input: object = {}) =>
  client.createTask('Paint', type, APP, undefined, { runBy: 'worker', input: input as never });

/** Resolves when such an event of the task is in the feed; what this client asks then is as new. */
async function heard(event: string, taskId: string): Promise<void> {
  const limit = AbortSignal.timeout(20_000);
  let from = 'start';
  while (!limit.aborted) {
    const page = await client.readEvents({ from, taskIds: [taskId], waitMs: 1_000 });
    if (page.events.some((happened) => happened.event === event)) return;
    from = page.position ?? from;
  }
  throw new Error(`Nothing was heard of ${event}`);
}

beforeAll(async () => {
  service = await startService();
  client = await TaskManager.connect({ transport: 'tcp', port: service.port, actor: 'mia' });
});

afterAll(async () => {
  await client?.close();
  await service?.close();
});

beforeEach(() => {
  told = [];
  gate = new Gate();
});

afterEach(async () => {
  gate.letPass();
  await app?.close();
  app = undefined;
});

describe('a NestJS application', () => {
  it('runs tasks by its classes, with what they inject', async () => {
    await start(PaintingModule, TaskWorkerModule.forRoot());
    const id = await create('nest_paint', { wall: 'north' });
    await heard('completed', id);
    expect(await client.getTask(id)).toMatchObject({
      status: 'completed',
      message: 'first coat',
      result: { wall: 'north', color: 'red' },
    });
  });

  it('runs as many tasks of a type at one time as the handler allows', async () => {
    await start(PaintingModule, TaskWorkerModule.forRoot());
    const ids = [];
    for (let n = 0; n < 3; n++) ids.push(await create('nest_slow'));
    await Promise.all(ids.slice(0, 2).map((id) => heard('started', id)));
    expect((await client.getTask(ids[2]!)).status).toBe('pending');
    expect(gate.inside).toBe(2);
    gate.letPass();
    await Promise.all(ids.map((id) => heard('completed', id)));
  });

  it('lets handlers end when it closes, before the client and what they need do', async () => {
    // Nest closes what was imported last first.
    const running = await start(TaskWorkerModule.forRoot(), PaintingModule);
    const id = await create('nest_slow');
    await gate.reached;
    const closing = running.close();
    // Whatever does not wait for the handler has closed by the end of this.
    await client.getTask(id);
    gate.letPass();
    await closing;
    expect(told).toEqual(['painted', 'paint closed']);
    await heard('completed', id);
    expect(await client.getTask(id)).toMatchObject({ status: 'completed', result: 'red' });
  });

  it('hands back what did not end in its time, and takes its options from a factory', async () => {
    const workerId = 'painter-1';
    const running = await start(
      PaintingModule,
      TaskWorkerModule.forRootAsync({ useFactory: () => ({ workerId, shutdownMs: 50 }) }),
    );
    expect(running.get(TaskWorker, { strict: false }).workerId).toBe(workerId);
    const id = await create('nest_slow');
    await gate.reached;
    expect((await client.getTask(id)).workerId).toBe(workerId);
    await running.close();
    expect(told).toEqual(['paint closed']);
    await heard('released', id);
    expect(await client.getTask(id)).toMatchObject({ status: 'pending', stallCount: 0 });
    await client.cancelTask(id);
  });
});
