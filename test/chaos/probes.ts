import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandAnswer } from '@taskmanager/client';
import type { Journal } from '../crash/journal.js';
import { APP } from '../crash/sender.js';
import { RawTcp, type RawReply } from '../transport-raw.js';
import type { Standstill } from './standstill.js';

const EVERY_MS = 100;
/** A query that has to be newer than the view waits that long, and then asks where the log ends; milliseconds. */
const QUERY_WAIT_MS = 2_000;
/** For everything but waiting, in a service that shares its processors with this whole run; milliseconds. */
const SLACK_MS = 3_000;
const ACTOR = 'prober';
const CODES = new Set(['ok', 'UNAVAILABLE', 'OVERLOADED']);

/** A call to the log that has not been answered in time is not asked a third time by the same command. */
export const commandLimit = (timeoutMs: number): number => 2 * timeoutMs + SLACK_MS;

/**
 * Asks the service something all the time, trouble or not, over a bare socket without any re-sending,
 * and looks at how long each answer takes.
 */
export class Probes {
  readonly answers = new Map<string, number>();
  readonly problems: string[] = [];
  /** Milliseconds. */
  slowestCommand = 0;
  slowestQuery = 0;
  /** Of the last command that was done, as `performance.now()`. */
  lastDone = 0;
  private readonly underWay = new Set<Promise<void>>();
  private newest: CommandAnswer | undefined;
  private isOver = false;
  private running: Promise<void> = Promise.resolve();

  private constructor(
    private readonly socket: RawTcp,
    private readonly journal: Journal,
    private readonly standstill: Standstill,
    private readonly timeoutMs: number,
  ) {}

  static async start(
    port: number,
    journal: Journal,
    standstill: Standstill,
    timeoutMs: number,
  ): Promise<Probes> {
    const probes = new Probes(await RawTcp.connect(port), journal, standstill, timeoutMs);
    probes.running = probes.run();
    return probes;
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.running;
    await Promise.all(this.underWay);
    await this.socket.end();
  }

  private async run(): Promise<void> {
    while (!this.isOver) {
      this.begin(this.command());
      if (this.newest) this.begin(this.query(this.newest));
      await delay(EVERY_MS);
    }
  }

  private begin(probe: Promise<void>): void {
    const settled = probe
      .catch((error: unknown) => void this.problems.push(String(error)))
      .finally(() => this.underWay.delete(settled));
    this.underWay.add(settled);
  }

  private async command(): Promise<void> {
    const id = randomUUID();
    const args = { id, name: 'A probe', taskType: 'probe', appName: APP };
    const command = this.journal.send(ACTOR, 'create_task', id, args);
    const meta = { actor: { id: ACTOR }, commandId: command.commandId };
    const limit = commandLimit(this.timeoutMs);
    const { reply, ms } = await this.ask('tasks.command.create_task', { ...args, meta }, limit);
    this.slowestCommand = Math.max(this.slowestCommand, ms);
    if (reply.err) {
      this.journal.refused(command, reply.err.code, reply.err.message);
      return;
    }
    this.newest = reply.response as CommandAnswer;
    this.journal.answered(command, this.newest);
    this.lastDone = performance.now();
  }

  private async query({ taskId, position }: CommandAnswer): Promise<void> {
    const limit = QUERY_WAIT_MS + 2 * this.timeoutMs + SLACK_MS;
    const asked = { id: taskId, meta: { after: position } };
    const { ms } = await this.ask('tasks.query.get_task', asked, limit);
    this.slowestQuery = Math.max(this.slowestQuery, ms);
  }

  private async ask(
    subject: string,
    body: object,
    limitMs: number,
  ): Promise<{ reply: RawReply; ms: number }> {
    const [began, stood] = [performance.now(), this.standstill.total];
    const reply = await this.socket.request(subject, body);
    const ms = Math.round(performance.now() - began - (this.standstill.total - stood));
    const code = reply.err?.code ?? 'ok';
    this.answers.set(code, (this.answers.get(code) ?? 0) + 1);
    if (!CODES.has(code)) this.problems.push(`${subject}: ${JSON.stringify(reply.err)}`);
    if (ms > limitMs)
      this.problems.push(
        `${subject} was answered (${code}) after ${ms} ms, not within ${limitMs}.`,
      );
    return { reply, ms };
  }
}
