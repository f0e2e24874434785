import { Injectable, Logger } from '@nestjs/common';
import { type ErrorCode, LIMITS } from '@taskmanager/protocol';
import { LRUCache } from 'lru-cache';
import { type CommandContext, type Refusal, eventId } from '../context/index.js';
import { EventLog, RevisionConflict } from '../event-store/index.js';
import {
  type ChainEnd,
  CommandRefused,
  EMPTY_CHAIN,
  type EventMetadata,
  RefusalsOmitted,
  encodeEvent,
  refusalStream,
  splitHash,
} from '../events/index.js';
import type { Task } from '../task/index.js';

const RECORDED: readonly ErrorCode[] = ['INVALID_TRANSITION', 'LEASE_LOST', 'FORBIDDEN'];
const SECOND_MS = 1_000;
/** How often a record is tried while other processes write to the same stream. */
const ATTEMPTS = 3;

/** Where a task's refusals end: their chain, and the time of the last one. */
interface End extends ChainEnd {
  readonly timestamp: number;
}

/**
 * Writes down who tried what and was refused (DESIGN §6.6), in a stream beside the task's own, without
 * the payload. Bounded for each task and each sender: the rest is in the log lines only.
 */
@Injectable()
export class RefusalRecorder {
  private readonly logger = new Logger(RefusalRecorder.name);
  private readonly chains = new LRUCache<string, End>({ max: 10_000 });
  /** Times of each sender's refusals in the second that began at `since`. */
  private readonly senders = new LRUCache<string, { since: number; count: number }>({
    max: 10_000,
  });

  constructor(private readonly log: EventLog) {}

  /** Never rejects: a refusal that cannot be written down is still the answer. */
  async record(
    task: Task,
    command: string,
    context: CommandContext,
    refusal: Refusal,
  ): Promise<void> {
    if (!RECORDED.includes(refusal.code) || context.candidate || context.transport === 'internal')
      return;
    // Quoted: they come from outside, and may hold line ends and control characters.
    const [who, why] = [context.actor.id, refusal.message].map((text) => JSON.stringify(text));
    this.logger.debug(`${command} of ${who} refused: ${refusal.code} ${why}`);
    if (!this.withinRate(context)) return;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.append(task, command, context, refusal);
        return;
      } catch (error) {
        this.chains.delete(task.id);
        if (error instanceof RevisionConflict && attempt < ATTEMPTS) continue;
        this.logger.warn(
          `A refusal of ${command} on task ${task.id} was not recorded: ${String(error)}`,
        );
        return;
      }
    }
  }

  private withinRate({ actor, now }: CommandContext): boolean {
    const sender = this.senders.get(actor.id);
    if (!sender || now - sender.since >= SECOND_MS || now < sender.since) {
      this.senders.set(actor.id, { since: now, count: 1 });
      return true;
    }
    return ++sender.count <= LIMITS.refusalsPerSecond;
  }

  private async append(
    task: Task,
    command: string,
    context: CommandContext,
    { code, message }: Refusal,
  ): Promise<void> {
    const stream = refusalStream(task.id);
    const end = this.chains.get(task.id) ?? (await this.chainEnd(stream));
    const recorded = end.revision + 1;
    if (recorded > LIMITS.refusalsPerTask) {
      this.chains.set(task.id, end);
      return;
    }
    const { actor } = context;
    const timestamp = Math.max(context.now, end.timestamp);
    const event =
      recorded === LIMITS.refusalsPerTask
        ? new RefusalsOmitted({ recorded })
        : new CommandRefused({ command, actor, code, reason: message });
    const { text, chain } = encodeEvent(
      end,
      stream,
      eventId(context.commandId, stream, recorded),
      event,
      {
        timestamp,
        actor,
        commandId: context.commandId,
        $correlationId: context.correlationId,
        $causationId: context.causationId,
        transport: context.transport,
        taskType: task.taskType,
        appName: task.appName,
        status: task.status,
        attempt: task.attempt,
        workerId: task.workerId,
      },
    );
    const { repeated } = await this.log.append(
      stream,
      end.revision < 0 ? 'no_stream' : BigInt(end.revision),
      [text],
    );
    // What stands there was written by another try, with a hash of its own.
    if (repeated) this.chains.delete(task.id);
    else this.chains.set(task.id, { ...chain, timestamp });
  }

  private async chainEnd(stream: string): Promise<End> {
    const [last] = await this.log.readStream(stream, { direction: 'backwards', limit: 1 });
    if (!last) return { ...EMPTY_CHAIN, timestamp: 0 };
    const hash = splitHash(last.metadata)?.hash;
    if (!hash) throw new Error(`The last event of ${stream} has no hash.`);
    const { timestamp } = JSON.parse(last.metadata) as EventMetadata;
    return { revision: Number(last.revision), hash, timestamp };
  }
}
