import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { v5, validate, version } from 'uuid';
import {
  TimeOrderedIds,
  clientCommandId,
  eventId,
  perTaskCommandId,
  sagaCommandId,
  taskIdOfCommand,
  taskIdOfKey,
  uuidV5,
} from './ids.js';

const NAMESPACE = 'b1b0a3c4-6d0f-5e0a-9c55-7461736b6d67';

describe('uuidV5', () => {
  test('is what the uuid package says, for every namespace and name', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.string({ unit: 'binary' }), (namespace, name) => {
        expect(uuidV5(namespace, name)).toBe(v5(Buffer.from(name), namespace));
      }),
      { numRuns: 1_000 },
    );
  });

  test('is what RFC 9562 says', () => {
    const dns = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';
    expect(uuidV5(dns, 'www.example.com')).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2');
  });
});

describe('derived ids are written in logs and never change', () => {
  const id = '0190a5a0-0000-7000-8000-000000000001';

  test.each([
    [clientCommandId('alice', id), v5(`client:alice:${id}`, NAMESPACE)],
    [sagaCommandId('retry', id, 0), v5(`saga:retry:${id}:0`, NAMESPACE)],
    [perTaskCommandId(id, 'task'), v5('task', id)],
    [eventId(id, 'task-1', 2), v5('task-1/2', id)],
    [taskIdOfKey('app', 'key'), v5('key', v5('app:app', NAMESPACE))],
    [taskIdOfCommand(id), v5(`create:${id}`, NAMESPACE)],
  ])('%s', (derived, expected) => {
    expect(derived).toBe(expected);
  });

  test('senders do not share them', () => {
    expect(clientCommandId('alice', id)).not.toBe(clientCommandId('bob', id));
    expect(taskIdOfKey('a', 'k')).not.toBe(taskIdOfKey('b', 'k'));
  });
});

test('new ids are version 7, so that they sort by time', () => {
  const ids = new TimeOrderedIds();
  const made = Array.from({ length: 100 }, () => ids.next());
  expect(made.every((id) => validate(id) && version(id) === 7)).toBe(true);
  expect([...made].sort()).toEqual(made);
});
