import { describe, expect, it } from '@jest/globals';
import { getMetadataStorage, IsInt, ValidateNested, validateSync } from 'class-validator';
import fc from 'fast-check';
import { COMMAND_MESSAGES } from '../commands/command-messages.js';
import { Refusal } from '../context/index.js';
import { MessageShape } from './message-shape.js';

const namesOf = (type: abstract new () => object): string[] => [
  ...new Set(
    getMetadataStorage()
      .getTargetValidationMetadatas(type, '', false, false)
      .map(({ propertyName }) => propertyName),
  ),
];

const value = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, '', 'abc', 0, 1, 7.5, -1, true, [], {}, ['abc']),
  fc.constantFrom<unknown>('running', 'app', 'fixed', 'copy', { type: 'fixed' }, { runMs: 5 }),
  fc.uuid(),
  fc.json().map((text) => JSON.parse(text) as unknown),
);

describe('MessageShape', () => {
  it.each(COMMAND_MESSAGES.map((type) => [type.message, type] as const))(
    'lets through of %s exactly what class-validator does',
    (_, type) => {
      const shape = new MessageShape(type);
      const fields = fc.record(Object.fromEntries(namesOf(type).map((name) => [name, value])), {
        requiredKeys: [],
      });
      fc.assert(
        fc.property(fields, (plain) => {
          const errors = validateSync(Object.assign(new type(), plain));
          let problems: unknown[] = [];
          try {
            expect(shape.parse(plain)).toBeInstanceOf(type);
          } catch (error) {
            if (!(error instanceof Refusal)) throw error;
            problems = error.details?.['problems'] as unknown[];
          }
          expect(problems.length > 0).toBe(errors.length > 0);
        }),
        { numRuns: 300 },
      );
    },
  );

  it('asks class-validator itself for what it has not prepared', () => {
    class Inner {
      @IsInt()
      readonly size: number;
    }
    class Outer {
      static readonly message = 'outer';

      @ValidateNested()
      readonly inner: Inner;
    }
    const shape = new MessageShape(Outer);
    const wrong = Object.assign(new Inner(), { size: 'x' });
    expect(() => shape.parse({ inner: wrong })).toThrow('size must be an integer');
    expect(shape.parse({ inner: Object.assign(new Inner(), { size: 1 }) })).toBeInstanceOf(Outer);
  });

  it('says of a missing field that it is missing, and nothing else', () => {
    const type = COMMAND_MESSAGES.find(({ message }) => message === 'create_task');
    try {
      new MessageShape(type!).parse({ name: 7, appName: 'a' });
      expect('it').toBe('refused');
    } catch (error) {
      const { problems } = (error as Refusal).details as { problems: { field: string }[] };
      expect(problems.filter(({ field }) => field === 'taskType')).toEqual([
        { field: 'taskType', problem: 'taskType is missing' },
      ]);
      expect((error as Refusal).message).toContain('name must be');
    }
  });

  it('calls a size too large only when nothing else is wrong', () => {
    const type = COMMAND_MESSAGES.find(({ message }) => message === 'update_task_data');
    const shape = new MessageShape(type!);
    const data = 'x'.repeat(200_000);
    const code = (fields: object) => {
      try {
        return shape.parse(fields);
      } catch (error) {
        return (error as Refusal).code;
      }
    };
    expect(code({ id: '0190b6ff-1c2d-7c3e-8f00-0123456789ab', data })).toBe('PAYLOAD_TOO_LARGE');
    expect(code({ id: 'x', data })).toBe('VALIDATION_FAILED');
  });
});
