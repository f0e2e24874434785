/**
 * An echo of the message class of update_task_progress as NestJS brings it: its own TCP transport and
 * ValidationPipe, without this service's checks, limits and contexts. The port is written to standard output.
 */
import 'reflect-metadata';
import { Controller, Module, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload, Transport } from '@nestjs/microservices';
import { UpdateTaskProgress } from '../dist/commands/update-task-progress.command.js';

class EchoController {
  echo(message) {
    return message;
  }
}
// Decorators by hand: this file is plain JavaScript.
Controller()(EchoController);
Payload()(EchoController.prototype, 'echo', 0);
Reflect.defineMetadata('design:paramtypes', [UpdateTaskProgress], EchoController.prototype, 'echo');
MessagePattern('tasks.command.bench_echo')(
  EchoController.prototype,
  'echo',
  Object.getOwnPropertyDescriptor(EchoController.prototype, 'echo'),
);
class StockModule {}
Module({ controllers: [EchoController] })(StockModule);

const app = await NestFactory.createMicroservice(StockModule, {
  transport: Transport.TCP,
  options: { host: '127.0.0.1', port: 0 },
  logger: ['error'],
});
// `meta` stands beside the fields of the class and is left out.
app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true }));
app.enableShutdownHooks();
await app.listen();
const server = app.unwrap();
console.log(JSON.stringify({ port: server.address().port }));
