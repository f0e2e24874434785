import { Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { ContextModule } from '../context/context.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { ProcessorRunner } from './processor-runner.js';

/** Runs whatever reads the log in the background. */
@Global()
@Module({
  imports: [ContextModule, DatabaseModule, DiscoveryModule],
  providers: [ProcessorRunner],
  exports: [ProcessorRunner],
})
export class ProcessingModule {}
