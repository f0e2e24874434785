import { expect, test } from '@jest/globals';
import { contextOf, withContext } from './command-context.js';

test('the context travels with its message and is seen by nobody else', () => {
  const context = { actor: { id: 'a', roles: [], verified: true }, correlationId: 'c' };
  const message = withContext({ id: 1 }, context);
  expect(contextOf(message)).toBe(context);
  expect(JSON.stringify(message)).toBe('{"id":1}');
  expect({ ...message }).toEqual({ id: 1 });
  expect(() => contextOf({ ...message })).toThrow('without a context');
});
