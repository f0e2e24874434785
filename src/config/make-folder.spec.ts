import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '../../test/contract/temporary-folder.js';
import { makeFolder } from './make-folder.js';

describe('makeFolder', () => {
  let place: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeEach(async () => (place = await temporaryFolder('a')));
  afterEach(() => place.remove());

  it('makes what is missing, once or again', () => {
    const path = join(place.file, 'b', 'c');
    makeFolder(path);
    makeFolder(path);
    expect(statSync(path).isDirectory()).toBe(true);
  });

  it('says why it cannot, where a file stands or the system takes no folder', () => {
    writeFileSync(place.file, '');
    expect(() => makeFolder(place.file)).toThrow(/EEXIST/);
    expect(() => makeFolder(join(place.file, 'b'))).toThrow(/ENOTDIR/);
    expect(() => makeFolder('/proc/taskmanager')).toThrow(/ENOENT/);
    expect(() => makeFolder('/proc/taskmanager/data')).toThrow(/ENOENT/);
  });
});
