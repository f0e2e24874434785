/** Processor time that processes have used, as Linux counts it: of any program, from outside. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
/** Fields of /proc/<pid>/stat behind the name: utime, stime, and both of its ended children. */
const TIMES = [11, 12, 13, 14];

/** Of a process and those below it, in milliseconds. */
export function processorTime(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  const ticks = TIMES.reduce((sum, field) => sum + Number(fields[field]), 0);
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
  const below = children.filter(Boolean).map(timeIfThere);
  return below.reduce((sum, ms) => sum + ms, (ticks / TICKS_PER_SECOND) * 1000);
}

/** What has ended meanwhile is in its parent's time. */
function timeIfThere(pid) {
  try {
    return processorTime(pid);
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(error.code)) return 0;
    throw error;
  }
}
