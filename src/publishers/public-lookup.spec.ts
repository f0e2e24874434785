import { describe, expect, it } from '@jest/globals';
import { isPublicHost, lookupPublic, PrivateAddress } from './public-lookup.js';

describe('An address', () => {
  it('stands in a URL with brackets, and a name is looked up later', () => {
    expect(isPublicHost('[::1]')).toBe(false);
    expect(isPublicHost('[2606:4700::1]')).toBe(true);
    expect(isPublicHost('localhost')).toBe(true);
  });

  it.each([true, false])('of a name that leads home is refused as it is looked up', async (all) => {
    const error = await new Promise((resolve) => lookupPublic('localhost', { all }, resolve));
    expect(error).toBeInstanceOf(PrivateAddress);
  });

  it.each([
    [true, [{ address: '1.1.1.1', family: 4 }]],
    [false, '1.1.1.1'],
  ])('that is public is given to the connection', async (all, expected) => {
    const [error, address] = await new Promise<unknown[]>((resolve) =>
      lookupPublic('1.1.1.1', { all }, (...given) => resolve(given)),
    );
    expect(error).toBeNull();
    expect(address).toEqual(expected);
  });
});
