import { execFileSync } from 'node:child_process';

/** Every file below a folder, and what sha256sum says of it. */
export function sha256sums(folder: string): Map<string, string> {
  const text = execFileSync('find', [folder, '-type', 'f', '-exec', 'sha256sum', '-z', '{}', '+'], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const lines = text.split('\0').filter((line) => line !== '');
  return new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]));
}
