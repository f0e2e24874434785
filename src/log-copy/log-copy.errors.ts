import { describeEvent, type RecordedEvent } from '../event-store/index.js';

/** The target is no beginning of the source: copying into it would mix two histories. */
export class TargetHoldsOtherEvents extends Error {
  readonly code = 'TARGET_HOLDS_OTHER_EVENTS';
  override readonly name = 'TargetHoldsOtherEvents';

  constructor(equal: number, why: string) {
    super(
      `The target holds other events than the source: after ${equal.toLocaleString('en-US')} equal ones ${why}. ` +
        'Nothing was written. Name an empty target, or one that an interrupted copy of this source left behind.',
    );
  }
}

/** Events stand in the target in another order than in the source, which nothing can put right there. */
export class OrderBroken extends Error {
  readonly code = 'ORDER_BROKEN';
  override readonly name = 'OrderBroken';

  constructor(event: RecordedEvent) {
    super(
      `${describeEvent(event)} came to stand in the target before an event that it follows in the source. ` +
        'Begin again with a new target: another folder, or another stream prefix.',
    );
  }
}

/** Somebody else writes to the target while it is copied into. */
export class TargetChanged extends Error {
  readonly code = 'TARGET_CHANGED';
  override readonly name = 'TargetChanged';

  constructor(event: RecordedEvent, why: string, options?: ErrorOptions) {
    super(
      `${describeEvent(event)} cannot be copied: ${why}. Somebody else writes to the target: ` +
        'stop it, and begin again with a new target.',
      options,
    );
  }
}
