/** How far a clone is, all of its phases together. */
export interface CloneProgress {
  /** 0 to 99: the rest is what follows git. */
  readonly percent: number;
  readonly message: string;
}

/** What git calls a phase, what people are told, and where its share of the whole begins, percent. */
const PHASES: readonly (readonly [of: RegExp, said: string, from: number])[] = [
  [/^remote: Counting objects: +(\d+)%/, 'counting', 0],
  [/^remote: Compressing objects: +(\d+)%/, 'compressing', 5],
  [/^Receiving objects: +(\d+)%/, 'receiving', 10],
  [/^Resolving deltas: +(\d+)%/, 'resolving', 70],
  [/^(?:Updating files|Checking out files): +(\d+)%/, 'checking out', 80],
];
const END = 99;

/**
 * Reads git's progress, line by line: `Receiving objects:  50% (10/20), 1.2 MiB | 3 MiB/s`. Neither the
 * phase nor the percentage ever goes back, whatever the server says.
 */
export class CloneProgressReader {
  private phase = 0;
  private percent = 0;

  /** Undefined: the line says nothing new. */
  read(line: string): CloneProgress | undefined {
    for (const [index, [of, said, from]] of PHASES.entries()) {
      const done = of.exec(line)?.[1];
      if (done === undefined) continue;
      if (index < this.phase) return undefined;
      const to = PHASES[index + 1]?.[2] ?? END;
      const percent = Math.floor(from + ((to - from) * Math.min(Number(done), 100)) / 100);
      if (index === this.phase && percent < this.percent) return undefined;
      this.phase = index;
      this.percent = Math.max(percent, this.percent);
      return { percent: this.percent, message: `${said} ${detailOf(line)}` };
    }
    return undefined;
  }
}

/** `50% (10/20), 1.2 MiB | 3 MiB/s`: what git itself tells beside the phase. */
function detailOf(line: string): string {
  return /\d+% \(\d+\/\d+\)(?:, [\d.]+ \w+(?: \| [\d.]+ \w+\/s)?)?/.exec(line)?.[0] ?? '';
}
