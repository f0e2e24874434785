import { DiscoveryService } from '@nestjs/core';
import type { AnyTaskEvent, StoredTaskEvent, TaskTimer, TimerKind } from '../../events/index.js';

/** The name is part of the ids of a saga's commands: another name is another saga, which begins anew. */
export interface SagaOptions {
  readonly name: string;
  readonly version: number;
}

type EventClass = (new (data: never) => AnyTaskEvent) & { readonly type: AnyTaskEvent['type'] };

/**
 * Marks a provider as a saga: its methods marked with {@link On} and {@link OnDue} are pure, take an
 * event or a timer and answer the commands that follow, none for nothing. The runner finds it, and
 * sends its commands. It holds no state: it answers whenever the event fits, and the decider, which has
 * the task's state, decides events or none.
 */
export const TaskSaga = DiscoveryService.createDecorator<SagaOptions>();

/** The method answers each such event: `(event: SagaEvent<TaskFailed>) => TaskCommand[]`. */
export const On = DiscoveryService.createDecorator<EventClass>();

/** The method answers each timer of these kinds once it is due: `(timer: DueTimer) => TaskCommand[]`. */
export const OnDue = DiscoveryService.createDecorator<readonly TimerKind[]>();

/** An event as a saga method gets it: what happened, and who, when and why with it. */
export type SagaEvent<E extends AnyTaskEvent = AnyTaskEvent> = StoredTaskEvent & {
  readonly event: E;
};

/** A timer that is due, with what commands say about the thing that it is about. */
export interface DueTimer<Kind extends TimerKind = TimerKind> extends TaskTimer {
  readonly kind: Kind;
  readonly taskId: string;
  /** Of the task's newest event in the view: with task and kind it names this timer. */
  readonly revision: number;
  readonly attempt: number;
  readonly leaseEpoch?: number;
  /** When the open approval was asked for, epoch milliseconds. */
  readonly requestedAt?: number;
}
