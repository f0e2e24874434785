import { setTimeout as delay } from 'node:timers/promises';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { CleanupAnswer, Position } from '@taskmanager/protocol';
import { CleanUpEndedTasks } from '../commands/internal/clean-up-ended-tasks.command.js';
import { messageOf } from '../commands/task-command.js';
import { type RetentionRule, type RetentionSettings, Settings } from '../config/index.js';
import { Clock, type CommandContext, Ids, withContext } from '../context/index.js';
import { Ownership } from '../processing/index.js';

/** Until the first run after a start, and until the next one after a run that failed, at most. */
const SOON_MS = 60_000;
/** Tasks deleted at once, and the pause behind them: others have their turn. */
const BATCH = 200;
const PAUSE_MS = 100;

/**
 * Deletes tasks that ended long enough ago, by the rules of the settings and again and again, while this
 * process is the one that runs what moves by itself. Nothing is kept of a run: what one leaves, because
 * the service stops or fails, the next finds.
 */
@Injectable()
export class Retention implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Retention');
  private readonly settings: RetentionSettings | undefined;
  private readonly stop = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    @Inject(Settings) { retention }: Pick<Settings, 'retention'>,
    private readonly ownership: Ownership,
    private readonly commandBus: CommandBus,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {
    this.settings = retention;
  }

  onApplicationBootstrap(): void {
    if (this.settings) this.running = this.repeat(this.settings);
  }

  /** Resolves when the batch at hand is done. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  private async repeat({ everyMs, rules }: RetentionSettings): Promise<void> {
    const soonMs = Math.min(everyMs, SOON_MS);
    const { signal } = this.stop;
    await rest(soonMs, signal);
    while (!signal.aborted) {
      const term = await this.ownership.whenOwner(signal);
      if (!term) return;
      const done = await this.run(rules, AbortSignal.any([signal, term.signal]));
      await rest(done ? everyMs : soonMs, signal);
    }
  }

  /** One line for each run; false: it is to be tried again soon. */
  private async run(rules: readonly RetentionRule[], signal: AbortSignal): Promise<boolean> {
    const began = performance.now();
    const correlationId = this.ids.next();
    const deleted = rules.map(() => 0);
    const told = () => {
      const total = deleted.reduce((sum, count) => sum + count, 0);
      const ms = Math.round(performance.now() - began);
      return `${total} task(s) deleted in ${ms} ms (by rule: ${deleted.join(', ')})`;
    };
    try {
      for (const [index, rule] of rules.entries()) {
        for await (const count of this.batches(rule, correlationId, signal)) {
          deleted[index] = (deleted[index] ?? 0) + count;
        }
      }
    } catch (error) {
      this.logger.warn(`${told()}, then it failed and is tried again soon: ${String(error)}`);
      return false;
    }
    this.logger.log(signal.aborted ? `${told()}; interrupted` : told());
    return !signal.aborted;
  }

  /** Deletes batch after batch until nothing is left for the rule; yields how many each time. */
  private async *batches(
    rule: RetentionRule,
    correlationId: string,
    signal: AbortSignal,
  ): AsyncGenerator<number> {
    let after: Position | undefined;
    while (!signal.aborted) {
      const command = messageOf(CleanUpEndedTasks, { ...rule, limit: BATCH });
      const context = this.contextOf(correlationId, after);
      const { deleted, more, position } = await this.commandBus.execute<
        CleanUpEndedTasks,
        CleanupAnswer & { readonly position?: Position }
      >(withContext(command, context));
      yield deleted;
      // Others have taken them meanwhile, or will not let them go: the next run looks again.
      if (!more || deleted === 0) return;
      after = position;
      await rest(PAUSE_MS, signal);
    }
  }

  private contextOf(correlationId: string, after: Position | undefined): CommandContext {
    const commandId = this.ids.next();
    return {
      actor: { id: 'retention', roles: ['service'], verified: true },
      commandId,
      correlationId,
      causationId: commandId,
      transport: 'internal',
      resent: false,
      now: this.clock.now(),
      ...(after !== undefined && { after }),
    };
  }
}

/** Ends early when `signal` fires; keeps no process alive. */
async function rest(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal, ref: false }).catch(() => undefined);
}
