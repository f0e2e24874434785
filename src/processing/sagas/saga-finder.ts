import { Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import type { StoredTaskEvent, TimerKind } from '../../events/index.js';
import type { ProcessorHandler } from '../handlers/processor-handler.js';
import { type DueTimer, On, OnDue, type SagaOptions, TaskSaga } from './saga.js';
import { SagaCommands } from './saga-commands.js';
import { type OnMethod, SagaHandler } from './saga-handler.js';

/** Which saga answers the timers of a kind, and how. */
export interface DueMethod {
  readonly saga: string;
  readonly due: (timer: DueTimer) => readonly object[];
}

interface FoundSaga {
  readonly options: SagaOptions;
  readonly on: ReadonlyMap<string, OnMethod>;
  readonly due: ReadonlyMap<TimerKind, DueMethod>;
}

type Methods = Readonly<
  Record<string, (argument: StoredTaskEvent | DueTimer) => readonly object[]>
>;
type Wrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** Finds every provider marked with {@link TaskSaga}, and reads its methods. */
@Injectable()
export class SagaFinder {
  private found: readonly FoundSaga[] | undefined;

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly commands: SagaCommands,
  ) {}

  /** Sagas that answer events. Throws when two claim the same name, event or timer. */
  handlers(): readonly ProcessorHandler[] {
    return this.sagas()
      .filter(({ on }) => on.size > 0)
      .map(({ options, on }) => new SagaHandler(options, on, this.commands));
  }

  /** Throws as {@link handlers} does. */
  dueMethods(): ReadonlyMap<TimerKind, DueMethod> {
    return new Map(this.sagas().flatMap(({ due }) => [...due]));
  }

  /** Once all providers are made, which is so from the bootstrap on. */
  private sagas(): readonly FoundSaga[] {
    this.found ??= this.find();
    return this.found;
  }

  private find(): readonly FoundSaga[] {
    const sagas: FoundSaga[] = [];
    const owners = new Map<TimerKind, string>();
    for (const wrapper of this.discovery.getProviders({ metadataKey: TaskSaga.KEY })) {
      const options = this.discovery.getMetadataByDecorator(TaskSaga, wrapper);
      if (!options) continue;
      if (sagas.some((saga) => saga.options.name === options.name)) {
        throw new Error(`Two sagas claim the name ${options.name}.`);
      }
      const saga = this.read(options, wrapper);
      for (const kind of saga.due.keys()) {
        const owner = owners.get(kind);
        if (owner) throw new Error(`Sagas ${owner} and ${options.name} both claim timer ${kind}.`);
        owners.set(kind, options.name);
      }
      sagas.push(saga);
    }
    return sagas;
  }

  private read(options: SagaOptions, wrapper: Wrapper): FoundSaga {
    const { name } = options;
    const saga = wrapper.instance as Methods;
    const on = new Map<string, OnMethod>();
    const due = new Map<TimerKind, DueMethod>();
    for (const method of this.scanner.getAllMethodNames(Object.getPrototypeOf(saga) as object)) {
      const answer: Methods[string] = (argument) => saga[method]?.(argument) ?? [];
      const event = this.discovery.getMetadataByDecorator(On, wrapper, method);
      if (event) claim(on, event.type, answer, `Saga ${name} has two methods for ${event.type}.`);
      for (const kind of this.discovery.getMetadataByDecorator(OnDue, wrapper, method) ?? []) {
        const twice = `Saga ${name} has two methods for timer ${kind}.`;
        claim(due, kind, { saga: name, due: answer }, twice);
      }
    }
    if (on.size + due.size === 0) {
      throw new Error(`Saga ${name} has no method marked with @On or @OnDue.`);
    }
    return { options, on, due };
  }
}

function claim<K, V>(claimed: Map<K, V>, key: K, value: V, twice: string): void {
  if (claimed.has(key)) throw new Error(twice);
  claimed.set(key, value);
}
