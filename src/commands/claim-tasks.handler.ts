import { CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type ClaimAnswer, type CommandAnswer, LIMITS, type TaskInfo } from '@taskmanager/protocol';
import { LRUCache } from 'lru-cache';
import { Clock, type CommandContext, contextOf } from '../context/index.js';
import { type Task, toTaskInfo } from '../task/index.js';
import { sendToEach } from './candidates.js';
import { ClaimTasks } from './claim-tasks.command.js';
import { CommandExecutor } from './command-executor.js';
import { ClaimTask } from './internal/claim-task.command.js';
import { StandingClaims } from './standing-claims.js';
import { messageOf } from './task-command.js';
import { TaskFinder } from './task-finder.port.js';
import { TaskTypes } from './task-types.port.js';
import { Workers } from './workers.port.js';

/** After a claim was woken in vain: 5 ms, then twice as long, for a bit more than a second in all. */
const LOOK_AGAIN_MS = 5;
const LOOKS_IN_VAIN = 8;

@CommandHandler(ClaimTasks)
export class ClaimTasksHandler implements ICommandHandler<ClaimTasks> {
  /** Tasks that a claim of this process is about to take: another claim looks further. */
  private readonly taken = new Set<string>();
  /** What recent claims took, so that one sent again finds it before the view does. */
  private readonly recent = new LRUCache<string, readonly string[]>({ max: 10_000 });

  constructor(
    private readonly commandBus: CommandBus,
    private readonly executor: CommandExecutor,
    private readonly finder: TaskFinder,
    private readonly clock: Clock,
    private readonly standing: StandingClaims,
    private readonly types: TaskTypes,
    private readonly workers: Workers,
  ) {}

  execute(command: ClaimTasks): Promise<ClaimAnswer> {
    const context = contextOf(command);
    return this.standing.run(context.commandId, context.gone, (over) =>
      this.decide(command, context, over),
    );
  }

  private async decide(
    command: ClaimTasks,
    context: CommandContext,
    over: AbortSignal,
  ): Promise<ClaimAnswer> {
    const { actor, apps, whileWaiting } = context;
    const { workerId, taskTypes } = command;
    const wish = { workerId, actor: actor.id, taskTypes, apps };
    this.workers.seen(wish);
    const held = await this.held(context);
    if (held.length > 0) return { tasks: held };
    await this.types.ready();
    const until = this.clock.now() + (command.waitMs ?? 0);
    for (let looks = 0; ; looks++) {
      const tasks = await this.standing.look(() => this.claim(command, context));
      const waitMs = until - this.clock.now();
      if (tasks.length > 0 || waitMs <= 0) return { tasks };
      const lookAgainMs = looks > 0 ? LOOK_AGAIN_MS * 2 ** (looks - 1) : undefined;
      const again = looks <= LOOKS_IN_VAIN ? { ...wish, lookAgainMs } : wish;
      const wait = () =>
        this.workers.whileWaiting(wish, () => this.finder.waitForClaimable(again, waitMs, over));
      const since = this.clock.now();
      if (!(await (whileWaiting ? whileWaiting(wait) : wait()))) return { tasks: [] };
      if (this.clock.now() - since > LOOK_AGAIN_MS * 2 ** LOOKS_IN_VAIN) looks = 0;
    }
  }

  /** A claim sent again answers what it took the first time, as far as it still holds it. */
  private async held({ commandId, resent }: CommandContext): Promise<TaskInfo[]> {
    const recent = this.recent.get(commandId) ?? [];
    const older = resent && recent.length === 0;
    const taskIds = older ? await this.finder.heldBy(commandId) : recent;
    const tasks = await Promise.all(taskIds.map((id) => this.executor.peek(id)));
    return tasks.flatMap((task) => (task && isHeldBy(task, commandId) ? [toTaskInfo(task)] : []));
  }

  private async claim(command: ClaimTasks, context: CommandContext): Promise<TaskInfo[]> {
    const { workerId, leaseMs = LIMITS.leaseMsDefault } = command;
    const { commandId: claimId } = context;
    const wanted = new Set<string>();
    let taken: readonly CommandAnswer[] = [];
    let unsure = false;
    try {
      await this.choose(wanted, command, context);
      // Noted before they are sent: should one fail, the others are found by the claim sent again.
      this.recent.set(claimId, [...(this.recent.get(claimId) ?? []), ...wanted]);
      unsure = true;
      taken = await sendToEach(this.commandBus, context, [...wanted], (id) =>
        messageOf(ClaimTask, { id, workerId, leaseMs, claimId }),
      );
      unsure = false;
      const tasks = await Promise.all(taken.map(({ taskId }) => this.executor.peek(taskId)));
      return tasks.flatMap((task) => (task ? [toTaskInfo(task)] : []));
    } finally {
      for (const id of wanted) this.taken.delete(id);
      void this.settle(wanted, taken, unsure);
      if (taken.length > 0) this.passOn(command.taskTypes, taken);
      // The log failed, or the caller is gone: others may have passed these by meanwhile.
      else if (wanted.size > 0) this.finder.lookAgain(command.taskTypes);
    }
  }

  /** What failed may be in the log all the same: the view is to count it before its place is free. */
  private async settle(
    wanted: ReadonlySet<string>,
    taken: readonly CommandAnswer[],
    unsure: boolean,
  ): Promise<void> {
    if (unsure) await this.finder.caughtUp().catch(() => undefined);
    const starts = new Map(taken.map((answer) => [answer.taskId, answer]));
    for (const id of wanted) this.finder.settleSlot(id, starts.get(id));
  }

  /** It may have been woken for a task of a type of which it took none: that is for another then. */
  private passOn(taskTypes: readonly string[], taken: readonly CommandAnswer[]): void {
    if (taskTypes.length === 1) return;
    const served = new Set(taken.map(({ taskType }) => taskType));
    this.finder.passOn(taskTypes.filter((type) => !served.has(type)));
  }

  /** Looks further when all that were found are gone or about to be taken by others. */
  private async choose(
    wanted: Set<string>,
    { taskTypes, limit = 1 }: ClaimTasks,
    { apps, after, commandId }: CommandContext,
  ): Promise<void> {
    const full = new Set<string>();
    for (let look = limit + this.taken.size; ;) {
      const open = taskTypes.filter((type) => !full.has(type) && !this.types.ruleOf(type)?.paused);
      if (open.length === 0) return;
      const found = await this.finder.claimable({
        taskTypes: open,
        now: this.clock.now(),
        apps,
        after,
        limit: Math.min(look, LIMITS.filterCommand),
      });
      const fullBefore = full.size;
      await this.takeFitting(wanted, found.taskIds, limit, commandId, full);
      if (wanted.size > 0) return;
      // What lies behind the tasks of a type that is full is found without that type.
      if (full.size > fullBefore) continue;
      if (!found.more || look >= LIMITS.filterCommand) return;
      look *= 4;
    }
  }

  /** The first `limit` that nobody takes right now, whose type has room and that one answer can hold. */
  private async takeFitting(
    wanted: Set<string>,
    taskIds: readonly string[],
    limit: number,
    claimId: string,
    full: Set<string>,
  ): Promise<void> {
    let bytes = 0;
    for (const id of taskIds) {
      if (wanted.size === limit) return;
      if (this.taken.has(id)) continue;
      this.taken.add(id);
      wanted.add(id);
      const task = await this.executor.peek(id);
      const mine = task && isHeldBy(task, claimId);
      const fits = task && (mine || (isFree(task) && (await this.hasRoom(task, full))));
      if (fits) bytes += Buffer.byteLength(JSON.stringify(toTaskInfo(task)));
      const tooLarge = wanted.size > 1 && bytes > LIMITS.answerBytes;
      if (!fits || tooLarge) {
        wanted.delete(id);
        this.taken.delete(id);
      }
      if (tooLarge) return this.finder.settleSlot(id, undefined);
    }
  }

  /** Takes one of the places that its type has, if they are limited. */
  private async hasRoom({ id, taskType }: Task, full: Set<string>): Promise<boolean> {
    if (this.types.ruleOf(taskType)?.maxRunning === undefined) return true;
    if (!full.has(taskType) && (await this.finder.takeSlot(id, taskType))) return true;
    full.add(taskType);
    return false;
  }
}

function isFree({ status, runBy }: Task): boolean {
  return status === 'pending' && runBy === 'worker';
}

/** The claim was here before, and the view has not heard of it. */
function isHeldBy({ leased, claimId }: Task, claim: string): boolean {
  return leased && claimId === claim;
}
