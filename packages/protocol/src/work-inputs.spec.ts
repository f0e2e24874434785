import { spawnSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import {
  CLONE_REPOSITORY_RULES,
  problemOfInput,
  whyNoBranch,
  whyNoRepositoryUrl,
  whyNoWorkPath,
} from './work-inputs.js';

describe('The URL of a repository', () => {
  it.each([
    'https://github.com/owner/repository.git',
    'https://git.example.org:8443/~ann/a%20b',
    'https://127.0.0.1/x',
    'https://[2606:4700::1111]:443/x',
    'ssh://github.com/owner/repository',
    'ssh://git.example.org:2222/~/x.git',
    'file:///srv/work/x',
  ])('may be %s', (url) => expect(whyNoRepositoryUrl(url)).toBeUndefined());

  it.each([
    ['http://example.org/x', 'https://host/path'],
    ['git://example.org/x', 'https://host/path'],
    ['ext::sh -c touch% /tmp/x', 'https://host/path'],
    ['-oProxyCommand=touch x', 'https://host/path'],
    ['--upload-pack=touch x', 'https://host/path'],
    ['ssh://-oProxyCommand=x/y', 'https://host/path'],
    ['https://example.org', 'https://host/path'],
    ['https://example.org/', 'https://host/path'],
    ['https://example.org/a b', 'https://host/path'],
    ['https://example.org/a\nb', 'https://host/path'],
    ['https://example.org/a\u0000', 'https://host/path'],
    ['https://exa%6dple.org/x', 'https://host/path'],
    ['https://a..b/x', 'https://host/path'],
    ['file://host/x', 'https://host/path'],
    ['file:x', 'ssh://host/path'],
    ['/srv/x', 'https://host/path'],
    ['../x', 'https://host/path'],
    ['', 'https://host/path'],
    [7, 'https://host/path'],
    [undefined, 'https://host/path'],
    [`https://example.org/${'x'.repeat(2_048)}`, 'https://host/path'],
    ['https://ann@example.org/x', 'no user or password'],
    ['https://ann:secret@example.org/x', 'no user or password'],
    ['ssh://git@example.org/x', 'no user or password'],
    ['HTTPS://ann:secret@example.org/x', 'no user or password'],
    ['git@github.com:owner/x.git', 'ssh://host/path'],
    ['github.com:owner/x.git', 'ssh://host/path'],
    ['https://example.org/x?token=secret', 'query'],
    ['https://example.org/x#y', 'query'],
  ])('may not be %p', (url, why) => {
    expect(whyNoRepositoryUrl(url)).toContain(why);
    if (typeof url === 'string' && url.includes('secret'))
      expect(whyNoRepositoryUrl(url)).not.toContain('secret');
  });
});

describe('A branch', () => {
  const names = [
    ...['main', 'feature/x', 'v1.0', 'é', 'a-b', 'a@b', '@a', 'x.locked', 'HEAD', 'a{b'],
    ...['', '@', '-x', '--upload-pack=x', 'a b', 'a..b', '.a', 'a/.b', 'a.', 'a.lock', 'a.lock/b'],
    ...['a@{b', 'a~1', 'a^', 'a:b', 'a?b', 'a*', 'a[b', 'a\\b', '/a', 'a/', 'a//b', 'a\u007fb'],
    ...['a\tb', 'refs/heads/x'],
  ];

  it.each(names)('%p is allowed when git allows it', (name) => {
    const { status } = spawnSync('git', ['check-ref-format', `refs/heads/${name}`]);
    // As a ref these are fine, but nobody can name them to git on a command line.
    const option = name.startsWith('-') || name === '@';
    expect([name, whyNoBranch(name) === undefined]).toEqual([name, status === 0 && !option]);
  });

  it('is text of a length', () => {
    for (const value of [undefined, null, 7, 'x'.repeat(251)])
      expect(whyNoBranch(value)).toContain('must be the name of a branch or tag');
  });
});

describe('An input', () => {
  const url = 'https://example.org/x';
  const problem = (input: unknown) => problemOfInput(input as never, CLONE_REPOSITORY_RULES);

  it('has the fields of its type and no others, each obeying its rule', () => {
    expect(problem({ url })).toBeUndefined();
    expect(problem({ url, branch: 'main', directory: 'x' })).toBeUndefined();
    expect(problem({ url, branch: '-x' })).toMatch(/^branch must be/);
    expect(problem({ url, branch: null })).toMatch(/^branch must be/);
    expect(problem({ url, depth: 1 })).toBe('the input has no field "depth"');
    expect(problem({ url, toString: 1 })).toBe('the input has no field "toString"');
    expect(problem({})).toMatch(/^url must be/);
    for (const input of [undefined, null, 'x', [url]])
      expect(problem(input)).toBe('the input must be an object');
  });

  it('names paths of a length without control characters', () => {
    for (const path of ['a', '../a', '/a b/é']) expect(whyNoWorkPath(path)).toBeUndefined();
    for (const path of ['', 'a\0b', 'a\nb', 'x'.repeat(4_097), 7, undefined])
      expect(whyNoWorkPath(path)).toMatch(/^must be a path/);
  });
});
