import { describe, expect, it } from '@jest/globals';
import { redirectOf } from './redirects.js';

const HOME = new URL('https://example.com/a/hook?x=1');

describe('A redirect', () => {
  it.each([
    ['https://other.example/b', 'https://other.example/b'],
    ['/b', 'https://example.com/b'],
    ['b?y=2', 'https://example.com/a/b?y=2'],
    ['//other.example/b', 'https://other.example/b'],
  ])('to %s leads to %s', (location, expected) => {
    expect(redirectOf({ status: 308, location }, HOME, 2)?.href).toBe(expected);
  });

  it('is not followed out of https', () => {
    const answer = { status: 307, location: 'http://example.com/a/hook' };
    expect(() => redirectOf(answer, HOME, 0)).toThrow('from https to http, which is not followed');
    expect(redirectOf(answer, new URL('http://example.com/'), 0)).toBeDefined();
  });

  it.each([200, 204, 300, 301, 302, 303, 304, 305, 400, 500])('is not a %i', (status) => {
    expect(redirectOf({ status, location: 'https://other.example/' }, HOME, 0)).toBeUndefined();
  });
});
