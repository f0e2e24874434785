import { type HistorySeal, isPosition, logIdOf } from '@taskmanager/protocol';
import { ValidateBy } from 'class-validator';
import { IsTaskId, Optional } from '../projections/query-fields.js';

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

function isSeal(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const seal = value as Partial<HistorySeal>;
  return (
    seal.format === 'taskmanager-seal' &&
    seal.version === 1 &&
    isPosition(seal.position) &&
    logIdOf(seal.position) === seal.logId &&
    typeof seal.root === 'string' &&
    /^[0-9a-f]{64}$/.test(seal.root) &&
    [seal.events, seal.streams, seal.problems].every(isCount) &&
    isCount(seal.at) &&
    Number(seal.at) <= 8.64e15
  );
}

const IsSeal = (): PropertyDecorator =>
  ValidateBy({
    name: 'isSeal',
    validator: {
      validate: isSeal,
      defaultMessage: () => '$property must be what a job of seal_history answered, unchanged',
    },
  });

/** Checks the hash chains of the whole log, or of one task, and what a seal says of the log. */
export class VerifyHistory {
  static readonly message = 'verify_history';
  static readonly journaled = false as const;

  @Optional()
  @IsTaskId()
  readonly id?: string;

  @Optional()
  @IsSeal()
  readonly seal?: HistorySeal;
}
