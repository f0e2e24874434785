/**
 * Builds the task view of a data folder from nothing, as a start without `views.db` does:
 * `rebuild-view.mjs <folder>`, with the log in it unless the environment's settings say another.
 */
import 'reflect-metadata';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import { QueryBus } from '@nestjs/cqrs';
import { AppModule } from '../dist/app.module.js';
import { ServiceLogger, Settings } from '../dist/config/index.js';
import { withContext } from '../dist/context/index.js';
import { EventLog } from '../dist/event-store/index.js';
import { ProcessorRunner } from '../dist/processing/index.js';
import { TaskStats } from '../dist/projections/tasks/task-stats.query.js';

const LIMIT_MS = 20 * 60_000;
const [folder] = process.argv.slice(2);
for (const end of ['', '-wal', '-shm']) rmSync(join(folder, `views.db${end}`), { force: true });

const settings = new Settings({ ...process.env, DATA_DIR: folder, LOG_LEVEL: 'error' });
const app = await NestFactory.createApplicationContext(AppModule.with(settings), {
  logger: new ServiceLogger('error'),
});
const head = await app.get(EventLog).head();
const start = performance.now();
const outcome = await app
  .get(ProcessorRunner, { strict: false })
  .whenProcessed('tasks', head, LIMIT_MS);
const ms = performance.now() - start;
if (outcome !== 'reached') throw new Error(`The view was not built: ${outcome}.`);
const context = { actor: { id: 'bench', roles: [], verified: false }, correlationId: 'bench' };
const { total } = await app.get(QueryBus).execute(withContext(new TaskStats(), context));
await app.close();
console.log(
  JSON.stringify({ ms, tasks: total, maxRssBytes: process.resourceUsage().maxRSS * 1024 }),
);
