import type { TaskPoint } from '@taskmanager/protocol';
import { Refusal } from '../../context/index.js';

/** A point, and the field of the message that names its revision. */
export interface NamedPoint extends TaskPoint {
  readonly field?: string;
}

/**
 * The point that a message names with one of two fields.
 * @param fields their names, the revision's first
 * @throws Refusal VALIDATION_FAILED when both are given, or none
 */
export function pointOf(
  { revision, at }: TaskPoint,
  fields: readonly [revision: string, at: string],
): NamedPoint {
  if ((revision === undefined) === (at === undefined)) {
    const [one, other] = fields;
    throw new Refusal('VALIDATION_FAILED', `Say either ${one} or ${other}.`, { fields });
  }
  return { revision, at, field: fields[0] };
}
