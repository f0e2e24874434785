import { Global, Module } from '@nestjs/common';
import { Clock, SystemClock } from './clock.js';
import { Ids, TimeOrderedIds } from './ids.js';

/** Time and ids for everybody; tests put others in their place. */
@Global()
@Module({
  providers: [
    { provide: Clock, useClass: SystemClock },
    { provide: Ids, useClass: TimeOrderedIds },
  ],
  exports: [Clock, Ids],
})
export class ContextModule {}
