import { setTimeout as delay } from 'node:timers/promises';
import type { CommandAnswer } from '@taskmanager/client';
import type { BatchAnswer, ErrorBody } from '@taskmanager/protocol';
import { RawTcp } from '../transport-raw.js';
import type { Journal, SentCommand } from './journal.js';
import { isOpen } from './load.js';
import { effectsOf } from './log-checks.js';
import { byStream, type LogRow } from './log-rows.js';
import type { Random } from './random.js';

/** A task remembers its last 100 commands; some more arrive while this goes on. */
const REMEMBERED = 80;
const BATCH = 100;
const SOCKETS = 4;
/** A service that is busy with its start may say that it cannot now; that is asked again so often. */
const PATIENCE = 20;
const PAUSE_MS = 250;
const NOT_NOW = new Set(['UNAVAILABLE', 'OVERLOADED']);

export interface SentAgain {
  readonly open: number;
  readonly tookEffectBefore: number;
  readonly acknowledged: number;
}

/**
 * Sends again what nobody knows the outcome of, twice at a time, and what was acknowledged: with the
 * same commandIds and `meta.retry`, over plain sockets, some in batches and some by themselves. What
 * comes back is noted in the journal; what should not come back is a problem.
 */
export async function sendAgain(
  port: number,
  journal: Journal,
  rows: readonly LogRow[],
  since: ReadonlySet<SentCommand>,
  random: Random,
  problems: string[],
): Promise<SentAgain> {
  const effects = effectsOf(rows);
  const remembered = rememberedIn(rows);
  const commands = [...journal.commands.values()];
  const open = commands.filter(isOpen);
  const acknowledged = commands.filter(
    (command) =>
      since.has(command) && command.answer?.events.length && remembered.has(command.effectiveId),
  );
  // What the log tells of their first time; those it does not know must not have happened.
  const firstAnswers = new Map<SentCommand, string>();
  for (const command of [...open, ...acknowledged]) {
    const events = effects.get(command.effectiveId);
    if (events) firstAnswers.set(command, answerFrom(events));
  }

  const sockets = await Promise.all(Array.from({ length: SOCKETS }, () => RawTcp.connect(port)));
  const hear = (command: SentCommand, reply: Reply) => {
    const first = firstAnswers.get(command);
    if (reply.ok !== undefined) {
      const { repeated, ...answer } = reply.ok as CommandAnswer;
      const again = partsOf(answer);
      if (first !== undefined && (!repeated || again !== first)) {
        problems.push(
          `${command.name} (${command.effectiveId}) took effect before as ${first}; sent again it answers ${JSON.stringify(reply.ok)}.`,
        );
      }
      if (answer.events.length > 0 || !command.answer) journal.answered(command, answer);
    } else {
      const { code, message } = reply.error!;
      if (first !== undefined) {
        problems.push(
          `${command.name} (${command.effectiveId}) took effect before as ${first}; sent again it is refused: ${code}, ${message}.`,
        );
      } else if (!command.answer) journal.refused(command, code, message);
    }
  };
  const work = groups(random.shuffled([...open, ...open, ...acknowledged]), random).values();
  await Promise.all(
    sockets.map(async (socket) => {
      for (const group of work) await untilAnswered(socket, group, hear);
      await socket.end();
    }),
  );
  await sendFiltersAgain(port, journal);
  return {
    open: open.length,
    tookEffectBefore: open.filter((command) => firstAnswers.has(command)).length,
    acknowledged: acknowledged.length,
  };
}

type Reply = { ok?: unknown; error?: ErrorBody };
type Hear = (command: SentCommand, reply: Reply) => void;

async function untilAnswered(
  socket: RawTcp,
  group: readonly SentCommand[],
  hear: Hear,
): Promise<void> {
  let left = group;
  for (let tries = 1; left.length > 0; tries++) {
    const notNow: SentCommand[] = [];
    await exchange(socket, left, (command, reply) => {
      if (tries < PATIENCE && NOT_NOW.has(reply.error?.code ?? '')) notNow.push(command);
      else hear(command, reply);
    });
    left = notNow;
    if (left.length > 0) await delay(PAUSE_MS);
  }
}

async function exchange(socket: RawTcp, group: readonly SentCommand[], hear: Hear): Promise<void> {
  const [first] = group;
  if (!first) return;
  const actor = { id: first.actor };
  if (group.length === 1) {
    const meta = { actor, commandId: first.commandId, retry: true };
    const { response, err } = await socket.request(`tasks.command.${first.name}`, {
      ...first.args,
      meta,
    });
    hear(first, err ? { error: err } : { ok: response });
    return;
  }
  const { results } = await socket.ok<BatchAnswer>('tasks.command.batch', {
    commands: group.map(({ name, args, commandId }) => ({
      command: name,
      args,
      meta: { commandId, retry: true },
    })),
    meta: { actor },
  });
  for (const [index, command] of group.entries()) hear(command, results[index]!);
}

/** Lone ones, and batches of one actor each. */
function groups(commands: readonly SentCommand[], random: Random): SentCommand[][] {
  const made: SentCommand[][] = [];
  const filling = new Map<string, SentCommand[]>();
  for (const command of commands) {
    if (random.chance(0.1)) {
      made.push([command]);
      continue;
    }
    const group = filling.get(command.actor);
    if (group && group.length < BATCH) {
      group.push(command);
      continue;
    }
    const next = [command];
    filling.set(command.actor, next);
    made.push(next);
  }
  return made;
}

/** What a filter command paused when it is sent again is in the log for the next look at it. */
async function sendFiltersAgain(port: number, { filters }: Journal): Promise<void> {
  const socket = await RawTcp.connect(port);
  for (const { name, args, actor, commandId } of filters.filter(isOpen)) {
    const meta = { actor: { id: actor }, commandId, retry: true };
    await socket.ok(`tasks.command.${name}`, { ...args, meta });
  }
  await socket.end();
}

/** Ids of the last commands that took effect on each task. */
function rememberedIn(rows: readonly LogRow[]): Set<string> {
  const remembered = new Set<string>();
  for (const events of byStream(rows).values()) {
    const ids = [...effectsOf(events).keys()];
    for (const id of ids.slice(-REMEMBERED)) remembered.add(id);
  }
  return remembered;
}

function answerFrom(events: readonly LogRow[]): string {
  const last = events.at(-1)!;
  const { status } = JSON.parse(last.metadata) as { status: CommandAnswer['status'] };
  return partsOf({
    status,
    revision: Number(last.revision),
    position: last.position,
    events: events.map(({ id, type, revision }) => ({ id, type, revision: Number(revision) })),
  });
}

function partsOf(answer: Pick<CommandAnswer, 'status' | 'revision' | 'position' | 'events'>) {
  const { status, revision, position, events } = answer;
  const listed = events.map(({ id, type, revision: each }) => `${id} ${type} ${each}`);
  return `${status} revision ${revision} at ${position}: ${listed.join(', ')}`;
}
