/**
 * Fills a data folder with whole lives of tasks, through the service's own command bus: decided, hashed,
 * appended and refused like any command, only without the transport. 20 events a task, by 200 actors, over
 * several apps, types and workers; one in twenty is a refusal. `make-audit-log.mjs <folder> [events]`
 */
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { CommandBus } from '@nestjs/cqrs';
import { AppModule } from '../dist/app.module.js';
import { CompleteTask } from '../dist/commands/complete-task.command.js';
import { CreateTask } from '../dist/commands/create-task.command.js';
import { PauseTask } from '../dist/commands/pause-task.command.js';
import { ResumeTask } from '../dist/commands/resume-task.command.js';
import { StartTask } from '../dist/commands/start-task.command.js';
import { UpdateTaskData } from '../dist/commands/update-task-data.command.js';
import { UpdateTaskProgress } from '../dist/commands/update-task-progress.command.js';
import { ServiceLogger, Settings } from '../dist/config/index.js';
import { Refusal, taskIdOfKey, uuidV5, withContext } from '../dist/context/index.js';

export const ACTORS = 200;
const EVENTS_PER_TASK = 20;
const STEPS = 13;
const TASKS_AT_ONCE = 400;
const DAY = 86_400_000;

/** The same for every run: what a task of this number is. */
export const taskIdOf = (n) => taskIdOfKey('audit', String(n));
export const actorOf = (n) => `actor-${n % ACTORS}`;
export const appOf = (n) => `app-${n % 8}`;
export const typeOf = (n) => `type_${n % 12}`;
export const workerOf = (n) => `worker-${n % 40}`;
/** Four for each task: what belongs together. */
export const correlationOf = (n, step) => uuidV5(taskIdOf(n), `request ${Math.floor(step / 5)}`);

const [folder, wanted] = process.argv.slice(2);
if (process.argv[1] === import.meta.filename) await fill(folder, Number(wanted ?? 1_000_000));

async function fill(dataDir, events) {
  const settings = new Settings({ DATA_DIR: dataDir, LOG_LEVEL: 'error', WORKERS: 'off' });
  const app = await NestFactory.createApplicationContext(AppModule.with(settings), {
    logger: new ServiceLogger('error'),
  });
  const start = performance.now();
  const bus = app.get(CommandBus);
  const tasks = Math.ceil(events / EVENTS_PER_TASK);
  let next = 0;
  let made = 0;
  const lane = async () => {
    for (let n = next++; n < tasks; n = next++) {
      const events = await live(bus, n);
      made += events;
    }
  };
  await Promise.all(Array.from({ length: TASKS_AT_ONCE }, lane));
  const ms = performance.now() - start;
  await app.close();
  console.log(JSON.stringify({ tasks, events: made, ms }));
}

/** One task from its creation to its end, and a refusal behind it; answers how many events that made. */
async function live(bus, n) {
  const id = taskIdOf(n);
  const leased = n % 3 === 0;
  const holder = leased ? { workerId: workerOf(n), leaseEpoch: 1 } : {};
  let step = 0;
  let made = 0;
  const send = async (message, fields, actor = n) => {
    const commandId = uuidV5(id, String(step));
    const context = {
      actor: { id: actorOf(actor), roles: ['client'], verified: true },
      commandId,
      correlationId: correlationOf(n, step++),
      causationId: commandId,
      transport: 'tcp',
      resent: false,
      now: Date.now(),
    };
    const command = Object.assign(new message(), { id, ...fields });
    const { events } = await bus.execute(withContext(command, context));
    made += events.length;
  };
  const taskType = typeOf(n);
  const appName = appOf(Math.floor(n / 12));
  const runBy = leased ? 'worker' : 'app';
  await send(CreateTask, { name: `build package-${n}`, taskType, appName, runBy, data: { n } });
  await send(StartTask, leased ? { workerId: workerOf(n), leaseMs: DAY } : {}, n + 7);
  for (let done = 1; done <= STEPS; done++) {
    const message = `chunk ${done} of ${STEPS}`;
    const items = { completedItems: done, totalItems: STEPS, message };
    await send(UpdateTaskProgress, { ...holder, ...items }, n + done);
  }
  if (leased) {
    for (const part of [1, 2, 3]) await send(UpdateTaskData, { ...holder, data: { part } });
  } else {
    await send(PauseTask, { reason: 'the disk is full' }, n + 31);
    await send(ResumeTask, { reason: 'there is room again' }, n + 32);
    await send(UpdateTaskData, { data: { part: 3 } });
  }
  await send(CompleteTask, { ...holder, result: { published: n } });
  try {
    await send(PauseTask, { reason: 'too late' }, n + 77);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    made += 1;
  }
  return made;
}
