import { isPosition } from '@taskmanager/protocol';
import { HasLength, IsTaskId, rule } from '../../context/message-fields.js';

export { IsPageSize, IsReason, IsTaskId, Optional } from '../../context/message-fields.js';

/** Rules of fields that several admin messages have. */
const MAX_NAME = 200;
const MAX_CURSOR = 1_024;

export const IsProcessorName = (): PropertyDecorator => HasLength(1, MAX_NAME);
export const IsCursor = (): PropertyDecorator => HasLength(1, MAX_CURSOR);
export const IsEventId = IsTaskId;

export const IsPosition = (): PropertyDecorator =>
  rule('isPosition', 'must be a position as an answer gave it', isPosition);
