import { Injectable, Logger } from '@nestjs/common';
import type { Json } from '@taskmanager/protocol';
import { AdminJournal, Clock, contextOf, whoAndWhy } from '../context/index.js';
import { EventLog, RevisionConflict } from '../event-store/index.js';
import {
  ADMIN_STREAM,
  AdminCommandSent,
  type DatedChainEnd,
  EMPTY_CHAIN,
  endWith,
} from '../events/index.js';
import { appendChained } from './chained-append.js';
import { TaskQueue } from './task-queue.js';

/** How often it is tried while other processes write to the same stream. */
const ATTEMPTS = 8;

/** The stream `admin`: rare, and so without a cache; each record reads the stream's end. */
@Injectable()
export class StreamAdminJournal extends AdminJournal {
  private readonly logger = new Logger('Admin');
  private readonly queue = new TaskQueue();

  constructor(
    private readonly log: EventLog,
    private readonly clock: Clock,
  ) {
    super();
  }

  async record(name: string, command: object): Promise<void> {
    try {
      await this.queue.run(ADMIN_STREAM, () => this.append(name, command));
    } catch (error) {
      this.logger.warn(
        `${name} by ${whoAndWhy(command)} cannot be written to the event log, and is done all the same: ${String(error)}`,
      );
    }
  }

  private async append(name: string, command: object): Promise<void> {
    const { reason, ...args } = JSON.parse(JSON.stringify(command)) as {
      readonly [key: string]: Json;
    };
    const event = new AdminCommandSent({
      command: name,
      args,
      ...(typeof reason === 'string' && { reason }),
    });
    for (let attempt = 1; ; attempt++) {
      const end = await this.end();
      try {
        const context = { ...contextOf(command), now: this.clock.now() };
        // The place tells apart what one command that is sent again leaves.
        await appendChained(this.log, ADMIN_STREAM, end, event, context, {}, end.revision + 1);
        return;
      } catch (error) {
        if (!(error instanceof RevisionConflict) || attempt === ATTEMPTS) throw error;
      }
    }
  }

  private async end(): Promise<DatedChainEnd> {
    const [last] = await this.log.readStream(ADMIN_STREAM, { direction: 'backwards', limit: 1 });
    if (!last) return { ...EMPTY_CHAIN, timestamp: 0 };
    return endWith(last);
  }
}
