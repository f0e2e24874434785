import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable, type INestApplicationContext, type Type } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type CommandContext, contextOf, Refusal, sagaCommandId } from '../context/index.js';
import {
  MemoryEventLog,
  MemoryProcessorStorage,
  MemoryProcessorStore,
} from '../event-store/memory/index.js';
import { ProgressUpdated, TaskCreated, TaskPaused } from '../events/index.js';
import { TaskLog } from '../projections/task-log.fixture.js';
import { Recorder } from './handlers/handler-run.fixture.js';
import { processing } from './processing.fixture.js';
import { Publishers } from './handlers/processor-handler.js';
import { ProcessorRunner } from './processor-runner.js';
import { type DueTimer, On, OnDue, type SagaEvent, TaskSaga } from './sagas/saga.js';
import { SagaFinder } from './sagas/saga-finder.js';
import { until } from '../../test/until.js';

class Greet {
  constructor(
    readonly taskId: string,
    readonly word: string,
  ) {}
}

let greeted: { readonly command: Greet; readonly context: CommandContext }[];
let refusals: Error[];
let published: Recorder;

@CommandHandler(Greet)
class GreetHandler implements ICommandHandler<Greet> {
  async execute(command: Greet): Promise<void> {
    const refusal = refusals.shift();
    if (refusal) throw refusal;
    greeted.push({ command, context: contextOf(command) });
  }
}

@TaskSaga({ name: 'greeter', version: 1 })
class GreeterSaga {
  private readonly word = 'hello';

  @On(TaskCreated)
  created({ taskId, event }: SagaEvent<TaskCreated>): Greet[] {
    return [new Greet(taskId, this.word), new Greet(taskId, event.data.name)];
  }

  @On(ProgressUpdated)
  silent(): Greet[] {
    return [];
  }

  @OnDue(['lease', 'run'])
  late({ taskId, kind }: DueTimer): Greet[] {
    return [new Greet(taskId, `${this.word} ${kind}`)];
  }
}

@TaskSaga({ name: 'pauser', version: 1 })
class PauserSaga {
  @On(TaskPaused)
  paused({ taskId }: SagaEvent<TaskPaused>): Greet[] {
    return [new Greet(taskId, 'rest well')];
  }
}

@Publishers()
@Injectable()
class Outlets {
  publishers() {
    return [published];
  }
}

let app: INestApplicationContext;
let tasks: TaskLog;
let kept: MemoryProcessorStorage;

beforeEach(() => {
  tasks = new TaskLog(new MemoryEventLog());
  kept = new MemoryProcessorStorage();
  greeted = [];
  refusals = [];
  published = new Recorder('outlet');
});
afterEach(() => app.close());

async function build(...providers: Type[]): Promise<INestApplicationContext> {
  app = await processing(tasks.log, new MemoryProcessorStore(kept), providers);
  return app;
}
const start = async (...providers: Type[]) => (await build(...providers)).init();
const words = () => greeted.map(({ command }) => command.word);

describe('the runner of processors', () => {
  it('finds sagas, sends the commands of their methods in order, under derived ids', async () => {
    await start(GreetHandler, GreeterSaga, PauserSaga);
    const id = await tasks.create({ name: 'world' });
    await tasks.append(id, new ProgressUpdated({ progress: 1 }));
    await until(() => greeted.length === 2);
    expect(words()).toEqual(['hello', 'world']);
    const [created] = tasks.stored;
    expect(greeted.map(({ context }) => context)).toMatchObject(
      [0, 1].map((index) => ({
        commandId: sagaCommandId('greeter', created!.id, index),
        correlationId: created!.metadata.$correlationId,
        causationId: created!.id,
        actor: { id: 'saga:greeter' },
        resent: true,
      })),
    );
    const status = await app.get(ProcessorRunner).status();
    expect(status.map(({ name, kind }) => `${kind} ${name}`).sort()).toEqual([
      'saga greeter',
      'saga pauser',
      'timers timers',
    ]);
  });

  it('gives a saga only the events that it has methods for', async () => {
    await build(GreetHandler, GreeterSaga, PauserSaga);
    const [greeter, pauser] = app.get(SagaFinder).handlers();
    expect(greeter?.filter).toEqual({
      streamPrefix: 'task-',
      types: ['TaskCreated', 'ProgressUpdated'],
    });
    expect(pauser?.filter).toEqual({ streamPrefix: 'task-', types: ['TaskPaused'] });
  });

  it('knows which saga answers a timer', async () => {
    await build(GreetHandler, GreeterSaga, PauserSaga);
    const methods = app.get(SagaFinder).dueMethods();
    expect([...methods.keys()].sort()).toEqual(['lease', 'run']);
    const { saga, due } = methods.get('lease')!;
    expect(saga).toBe('greeter');
    expect(due({ taskId: 't', kind: 'lease', dueAt: 1, revision: 1, attempt: 1 })).toEqual([
      new Greet('t', 'hello lease'),
    ]);
  });

  it('takes a refusal that says the task has moved on for done, and others for passing', async () => {
    refusals.push(
      new Refusal('INVALID_TRANSITION', 'moved on'),
      new Refusal('CONFLICT', 'others write'),
    );
    await start(GreetHandler, GreeterSaga);
    await tasks.create({ name: 'world' });
    await until(() => greeted.length === 2);
    // The second command is refused once; the event then comes again, from its first command on.
    expect(words()).toEqual(['hello', 'world']);
    const run = app
      .get(ProcessorRunner)
      .runs()
      .find(({ name }) => name === 'greeter')!;
    expect(await run.parked()).toEqual([]);
  });

  it('waits, and parks nothing, while the bus knows no handler', async () => {
    await start(GreeterSaga);
    await tasks.create();
    const run = app
      .get(ProcessorRunner)
      .runs()
      .find(({ name }) => name === 'greeter')!;
    await until(async () => ((await run.status(undefined))[0]?.failures ?? 0) >= 6);
    expect(await run.parked()).toEqual([]);
  });

  it('runs what publisher sources give it, beside the sagas', async () => {
    await start(GreetHandler, GreeterSaga, Outlets);
    const id = await tasks.create();
    await until(() => published.of(id).length === 1);
    await until(() => greeted.length === 2);
  });

  it('takes no lease and writes nothing when there is no saga and no publisher', async () => {
    const store = new MemoryProcessorStore(kept);
    const refuse = () => Promise.reject(new Error('not wanted'));
    let asked = 0;
    store.acquireLease = () => ((asked += 1), refuse());
    app = await processing(tasks.log, store, []);
    await app.init();
    const its = new MemoryProcessorStore(new MemoryProcessorStorage());
    const beside = await processing(tasks.log, its, [GreetHandler, GreeterSaga]);
    await beside.init();
    await tasks.create();
    // Another one has its lease by then, and has done its work.
    await until(() => greeted.length === 2).finally(() => beside.close());
    await app.close();
    expect(asked).toBe(0);
    expect(kept.checkpoints.size + kept.leases.size).toBe(0);
  });

  it('gives the lease back at the end, after what was in hand', async () => {
    await start(Outlets);
    const order: string[] = [];
    published.act = async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      order.push(`handled under a lease: ${kept.leases.size === 1}`);
    };
    await tasks.create();
    await until(() => published.busy === 1);
    await app.close();
    expect(order).toEqual(['handled under a lease: true']);
    expect(kept.leases.size).toBe(0);
    expect(kept.checkpoints.get('outlet')).toBe(await tasks.log.head());
  });
});

describe('sagas that cannot be', () => {
  @TaskSaga({ name: 'greeter', version: 2 })
  class SameName {
    @On(TaskPaused)
    paused(): Greet[] {
      return [];
    }
  }

  @TaskSaga({ name: 'twice', version: 1 })
  class SameEvent {
    @On(TaskPaused)
    one(): Greet[] {
      return [];
    }
    @On(TaskPaused)
    two(): Greet[] {
      return [];
    }
  }

  @TaskSaga({ name: 'other', version: 1 })
  class SameTimer {
    @OnDue(['run'])
    late(): Greet[] {
      return [];
    }
  }

  @TaskSaga({ name: 'mute', version: 1 })
  class Mute {}

  @TaskSaga({ name: 'outlet', version: 1 })
  class NamedAsAPublisher {
    @On(TaskPaused)
    paused(): Greet[] {
      return [];
    }
  }

  it.each([
    ['a name used twice', [GreeterSaga, SameName], 'Two sagas claim the name greeter.'],
    ['two methods for an event', [SameEvent], 'Saga twice has two methods for TaskPaused.'],
    [
      'a timer claimed by two',
      [GreeterSaga, SameTimer],
      'Sagas greeter and other both claim timer run.',
    ],
    ['no method at all', [Mute], 'Saga mute has no method marked with @On or @OnDue.'],
    [
      'the name of a publisher',
      [NamedAsAPublisher, Outlets],
      'Two processors claim the name outlet.',
    ],
  ])('stop the start, which says why: %s', async (_, providers, message) => {
    await build(...providers);
    await expect(app.init()).rejects.toThrow(message);
  });
});
