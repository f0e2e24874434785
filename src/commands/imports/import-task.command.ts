import { type ExportedEvent, type ImportTaskRequest, LIMITS } from '@taskmanager/protocol';
import { IsBoolean, Matches, ValidateBy } from 'class-validator';
import { IsTaskId, Optional } from '../fields.js';

const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const TEXTS = ['stream', 'id', 'type', 'data', 'metadata'] as const;

function isEventOf(value: unknown, taskId: string): boolean {
  return (
    isObject(value) &&
    Object.keys(value).length === TEXTS.length + 1 &&
    TEXTS.every((name) => typeof value[name] === 'string') &&
    isWhole(value['revision']) &&
    (value['stream'] === `task-${taskId}` || value['stream'] === `refused-${taskId}`)
  );
}

const AreExportedEvents = (): PropertyDecorator =>
  ValidateBy({
    name: 'areExportedEvents',
    validator: {
      validate: (value, args) =>
        Array.isArray(value) &&
        value.length <= LIMITS.eventPage &&
        value.every((each) => isEventOf(each, (args?.object as ImportTask).taskId)),
      defaultMessage: () =>
        `$property must be at most ${LIMITS.eventPage} events { stream, revision, id, type, data, metadata } of the task, as export_task answers them`,
    },
  });

const AreCounts = (): PropertyDecorator =>
  ValidateBy({
    name: 'areCounts',
    validator: {
      validate: (value) =>
        isObject(value) &&
        Object.keys(value).length === 2 &&
        isWhole(value['events']) &&
        isWhole(value['refusals']),
      defaultMessage: () => '$property must be { events, refusals }, how many there are in all',
    },
  });

/** A piece of a task that another service exported, to be kept and read here. */
export class ImportTask implements ImportTaskRequest {
  static readonly message = 'import_task';
  static readonly journaled = false as const;

  @IsTaskId()
  readonly taskId: string;

  /** The log that it was exported from. */
  @Matches(/^[0-9a-f]{8}$/, { message: '$property must be eight hex digits' })
  readonly fromLog: string;

  @AreExportedEvents()
  readonly events: readonly ExportedEvent[];

  @Optional()
  @AreCounts()
  readonly complete?: NonNullable<ImportTaskRequest['complete']>;

  @Optional()
  @IsBoolean()
  readonly anew?: boolean;
}
