import 'reflect-metadata';
import { readFile, readdir } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { COMMAND_NAMES } from '@taskmanager/protocol';
import { Batch } from './batch.command.js';
import { COMMAND_MESSAGES, TASK_COMMAND_MESSAGES } from './command-messages.js';

type Class = new (...args: never[]) => object;

const here = (name: string): URL => new URL(name, import.meta.url);

/** Every class that a file of this kind exports, in this folder and in `internal/`. */
async function classesIn(ending: string): Promise<Class[]> {
  const files = (await readdir(here('.'), { recursive: true })).filter((name) =>
    name.endsWith(ending),
  );
  const classes: Class[] = [];
  for (const name of files) {
    const exports = (await import(here(`./${name}`).href)) as Record<string, unknown>;
    for (const value of Object.values(exports)) {
      if (typeof value === 'function' && /^class /.test(value.toString()))
        classes.push(value as Class);
    }
  }
  return classes;
}

const handled = (handler: Class): unknown =>
  Reflect.getMetadata('__commandHandler__', handler) as unknown;

describe('the messages on the wire', () => {
  test('are those of the protocol, each once', () => {
    const names = [...COMMAND_MESSAGES.map(({ message }) => message), Batch.message];
    expect([...names].sort()).toEqual([...COMMAND_NAMES].sort());
    expect(new Set(names).size).toBe(names.length);
  });

  test('name their class: pause_task is PauseTask', () => {
    for (const type of COMMAND_MESSAGES) {
      const words = type.message.split('_').map((word) => word[0]?.toUpperCase() + word.slice(1));
      expect((type as unknown as Class).name).toBe(words.join(''));
    }
  });

  test('a batch takes only those about one task', () => {
    const alone = COMMAND_MESSAGES.filter((type) => !TASK_COMMAND_MESSAGES.includes(type));
    expect(alone.map(({ message }) => message).sort()).toEqual([
      'claim_tasks',
      'cleanup_tasks',
      'pause_all_running_tasks',
      'resume_last_paused_task',
    ]);
  });
});

describe('handlers', () => {
  test('every message has exactly one, those without a name on the wire too', async () => {
    const messages = (await classesIn('.command.ts')).filter(
      ({ name }) => name !== 'TaskCommand' && name !== 'RunnerCommand',
    );
    const handlers = (await classesIn('.handler.ts')).filter((type) => handled(type));
    const names = (types: readonly unknown[]) => types.map((type) => (type as Class).name).sort();
    expect(names(handlers.map(handled))).toEqual(names(messages));
    expect(names(messages)).toEqual(expect.arrayContaining(names([...COMMAND_MESSAGES, Batch])));
  });

  test('the module knows every one of them', async () => {
    const inventory = await readFile(here('./commands.module.ts'), 'utf8');
    const handlers = (await classesIn('.handler.ts')).filter((type) => handled(type));
    for (const { name } of handlers) expect(inventory).toContain(`  ${name},\n`);
  });
});
