import type { Position } from '@taskmanager/protocol';
import type { EventMetadata } from './event-metadata.js';
import type { TaskEvent } from './task-event.js';

export interface EventClass<E extends TaskEvent = TaskEvent> {
  readonly type: string;
  readonly version: number;
  new (data: never): E;
}

/** An event as the log keeps it. */
interface EventRecord {
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
  readonly revision: bigint;
  readonly position: Position;
}

/** An event as it comes out of the log, brought up to the present version. */
export interface Stored<E extends TaskEvent, M = EventMetadata> {
  readonly revision: number;
  readonly position: Position;
  readonly event: E;
  readonly metadata: M;
}

/** Turns the data of one version of an event into the next version's. Pure. */
export type Upcaster = (data: object) => object;

/** The log holds an event that this release does not know: it was written by a newer one. */
export class UnknownEvent extends Error {
  override readonly name = 'UnknownEvent';

  constructor(type: string, version: number) {
    super(
      `Event ${type} version ${version} is not known here: the log was written by a newer release. Run that release or a later one.`,
    );
  }
}

/**
 * Stable event names to classes and back. Stored data of an older version is brought up to the present
 * one on the read path, here and nowhere else, so that commands, projections and sagas all see the same.
 */
export class EventRegistry<
  E extends TaskEvent,
  M extends { readonly version: number } = EventMetadata,
> {
  private readonly classes = new Map<string, EventClass<E>>();
  private readonly upcasters = new Map<string, Upcaster>();

  constructor(classes: readonly EventClass<E>[]) {
    for (const eventClass of classes) {
      if (this.classes.has(eventClass.type)) {
        throw new Error(`Two event classes claim the name ${eventClass.type}.`);
      }
      this.classes.set(eventClass.type, eventClass);
    }
  }

  /** Says how `type` gets from version `from` to `from + 1`. */
  addUpcaster(type: string, from: number, upcaster: Upcaster): this {
    const key = `${type}/${from}`;
    const current = this.classes.get(type);
    if (!current || from < 1 || from >= current.version) {
      throw new Error(`There is no version ${from} of ${type} to bring up.`);
    }
    if (this.upcasters.has(key)) throw new Error(`Two upcasters for ${key}.`);
    this.upcasters.set(key, upcaster);
    return this;
  }

  /** Throws {@link UnknownEvent} for what a newer release wrote. */
  decode({ type, data, metadata: text, revision, position }: EventRecord): Stored<E, M> {
    const metadata = JSON.parse(text) as M;
    const event = this.revive(type, metadata.version, JSON.parse(data) as object);
    return { revision: Number(revision), position, event, metadata };
  }

  /** The event as the present code knows it. Throws {@link UnknownEvent}. */
  revive(type: string, version: number, data: object): E {
    const eventClass = this.classes.get(type);
    if (!eventClass || version > eventClass.version) throw new UnknownEvent(type, version);
    let upcast = data;
    for (let from = version; from < eventClass.version; from++) {
      const upcaster = this.upcasters.get(`${type}/${from}`);
      if (!upcaster) throw new Error(`No upcaster brings ${type} version ${from} up.`);
      upcast = upcaster(upcast);
    }
    return new eventClass(upcast as never);
  }
}
