import { verifyChain } from '../model/task-fold.js';
import { type Journal, eventIdOf, filterIdOf, sagaIdOf, type SentCommand } from './journal.js';
import { byStream, type LogRow } from './log-rows.js';

/** What is wrong with the log by itself and beside what its senders were answered; empty when nothing is. */
export function checkLog(rows: readonly LogRow[], journal: Journal): string[] {
  const streams = byStream(rows);
  const effects = effectsOf(rows);
  return [
    ...checkOrder(rows),
    ...[...streams.values()].flatMap(verifyChain),
    ...checkEffects(effects, journal),
    ...[...journal.commands.values()].flatMap((command) =>
      checkAcknowledged(command, effects.get(command.effectiveId) ?? []),
    ),
    ...checkFilters(effects, journal),
  ];
}

/** A log only grows: what it held stands unchanged at its beginning. */
export function checkGrowth(before: readonly LogRow[], after: readonly LogRow[]): string[] {
  for (const [index, row] of before.entries()) {
    const now = after[index];
    if (!now) return [`${before.length - after.length} events at the end are gone.`];
    if (JSON.stringify(now) !== JSON.stringify(row)) {
      return [`Place ${index} held ${describe(row)}, and now ${describe(now)}.`];
    }
  }
  return [];
}

/** The task events of each command, by the id under which it took effect, in the order of the log. */
export function effectsOf(rows: readonly LogRow[]): Map<string, LogRow[]> {
  const effects = new Map<string, LogRow[]>();
  for (const row of rows) {
    if (!row.stream.startsWith('task-')) continue;
    const { commandId } = JSON.parse(row.metadata) as { commandId: string };
    const known = effects.get(commandId);
    if (known) known.push(row);
    else effects.set(commandId, [row]);
  }
  return effects;
}

function checkOrder(rows: readonly LogRow[]): string[] {
  const problems: string[] = [];
  const ids = new Set<string>();
  let position = '';
  for (const row of rows) {
    if (row.position <= position)
      problems.push(`${describe(row)} does not stand after ${position}.`);
    if (ids.has(row.id)) problems.push(`${describe(row)}: event id ${row.id} is there twice.`);
    ids.add(row.id);
    position = row.position;
  }
  return problems;
}

/**
 * Every event is of a command that was sent, or tells approvers of a request; and a command's events are
 * one append of derived ids.
 */
function checkEffects(effects: ReadonlyMap<string, readonly LogRow[]>, journal: Journal): string[] {
  const problems: string[] = [];
  const notices = noticesOf(effects);
  for (const [effectiveId, events] of effects) {
    const [first] = events;
    const taskId = first!.stream.slice('task-'.length);
    const command = journal.commands.get(effectiveId);
    const isFilters = journal.filters.some((filter) => filterIdOf(filter, taskId) === effectiveId);
    const isOthers = isFilters || notices.get(effectiveId) === first!.stream;
    if (command ? command.taskId !== taskId : !isOthers) {
      problems.push(`Nobody sent a command ${effectiveId} that leads to ${describe(first!)}.`);
    }
    for (const [index, event] of events.entries()) {
      const inPlace =
        event.stream === first!.stream &&
        Number(event.revision) === Number(first!.revision) + index &&
        event.id === eventIdOf(effectiveId, event.stream, index);
      if (!inPlace) {
        problems.push(`Command ${effectiveId} took effect more than once: ${describe(event)}.`);
      }
    }
  }
  return problems;
}

/** The stream of each request for approval, by the id of the command that tells its approvers. */
function noticesOf(effects: ReadonlyMap<string, readonly LogRow[]>): Map<string, string> {
  const requests = [...effects.values()]
    .flat()
    .filter(({ type }) => type === 'TaskApprovalRequested');
  return new Map(requests.map(({ id, stream }) => [sagaIdOf('approval', id), stream]));
}

function checkAcknowledged(command: SentCommand, events: readonly LogRow[]): string[] {
  const { answer, refusedWith, name, taskId, effectiveId } = command;
  const here = `${name} about task ${taskId} (${effectiveId})`;
  if (refusedWith !== undefined && !answer && events.length > 0) {
    return [
      `${here} was refused (${refusedWith}), and yet led to ${events.map(describe).join(', ')}.`,
    ];
  }
  // Answered without events, it may have taken effect all the same when it was sent again.
  if (!answer || answer.events.length === 0) return [];
  const said = answer.events.map(({ id, type, revision }) => `${id} ${type} ${revision}`);
  const stored = events.map(({ id, type, revision }) => `${id} ${type} ${revision}`);
  if (said.join() !== stored.join()) {
    return [`${here} was answered with [${said.join()}]; the log holds [${stored.join()}].`];
  }
  const last = events.at(-1)!;
  const { status } = JSON.parse(last.metadata) as { status: string };
  const same =
    answer.position === last.position &&
    answer.revision === Number(last.revision) &&
    answer.status === status;
  return same
    ? []
    : [`${here} was answered ${JSON.stringify(answer)}; the log: ${describe(last)}.`];
}

function checkFilters(
  effects: ReadonlyMap<string, readonly LogRow[]>,
  { filters }: Journal,
): string[] {
  return filters.flatMap((filter) =>
    (filter.tasks?.taskIds ?? [])
      .filter((taskId) => effects.get(filterIdOf(filter, taskId))?.[0]?.type !== 'TaskPaused')
      .map(
        (taskId) => `${filter.name} was answered with task ${taskId}; the log knows nothing of it.`,
      ),
  );
}

const describe = ({ stream, revision, type, position }: LogRow): string =>
  `${stream} revision ${revision} (${type}) at ${position}`;
