/**
 * The built service in a process of its own, with one message more: `bench_echo`, which takes the same
 * fields through the same transport, checks and message class as update_task_progress, and answers them.
 * Settings come from the environment, as for `npm start`; the port is written to standard output.
 */
import 'reflect-metadata';
import { Controller, Inject, Module } from '@nestjs/common';
import { ModuleRef, NestFactory } from '@nestjs/core';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { AppModule } from '../dist/app.module.js';
import { UpdateTaskProgress } from '../dist/commands/update-task-progress.command.js';
import { ServiceLogger, Settings } from '../dist/config/index.js';
import { MessageShape } from '../dist/transport/message-shape.js';
import { Requests } from '../dist/transport/requests.js';
import { serve } from '../dist/transport/index.js';

const shape = new MessageShape(UpdateTaskProgress);

class EchoController {
  constructor(modules) {
    this.requests = modules.get(Requests, { strict: false });
  }

  async echo(payload, request) {
    return this.requests.command(shape, payload, request);
  }
}
// Decorators by hand: this file is plain JavaScript.
Controller()(EchoController);
Inject(ModuleRef)(EchoController, undefined, 0);
Payload()(EchoController.prototype, 'echo', 0);
Ctx()(EchoController.prototype, 'echo', 1);
MessagePattern('tasks.command.bench_echo')(
  EchoController.prototype,
  'echo',
  Object.getOwnPropertyDescriptor(EchoController.prototype, 'echo'),
);

const settings = new Settings(process.env);
const service = AppModule.with(settings);
class BenchModule {}
Module({ imports: [service], controllers: [EchoController] })(BenchModule);

const app = await NestFactory.create(BenchModule, {
  logger: new ServiceLogger(settings.logLevel),
  abortOnError: false,
});
app.enableShutdownHooks();
const { tcp } = await serve(app);
console.log(JSON.stringify({ port: tcp.port }));
process.on('message', (message) => {
  if (message === 'usage') {
    process.send({ cpu: process.cpuUsage(), maxRssBytes: process.resourceUsage().maxRSS * 1024 });
  }
});
