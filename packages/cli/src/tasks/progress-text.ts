import type { TaskInfo } from '@taskmanager/client';
import { countText } from '../output/words.js';

type Progress = Pick<TaskInfo, 'progress' | 'completedItems' | 'totalItems'>;

/** `40 %`, with its items where they are known: `40 % (4 of 10)`. */
export function progressText({ progress, completedItems, totalItems }: Progress): string {
  const percent = `${Math.floor(progress)} %`;
  if (completedItems === undefined || totalItems === undefined) return percent;
  return `${percent} (${countText(completedItems)} of ${countText(totalItems)})`;
}

const WIDTH = 10;

/** `████░░░░░░  40 %`. */
export function progressBar(progress: number): string {
  const full = Math.round((Math.min(Math.max(progress, 0), 100) / 100) * WIDTH);
  const percent = `${Math.floor(progress)} %`.padStart(5);
  return `${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${percent}`;
}
