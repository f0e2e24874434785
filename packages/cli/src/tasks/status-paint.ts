import type { TaskStatus } from '@taskmanager/client';
import type { Output } from '../output/output.js';

type Colour = 'green' | 'red' | 'yellow' | 'cyan' | 'magenta' | 'gray' | 'dim';

const COLOURS: Readonly<Record<TaskStatus, Colour>> = {
  pending: 'gray',
  running: 'cyan',
  paused: 'yellow',
  waiting_for_approval: 'magenta',
  completed: 'green',
  failed: 'red',
  cancelled: 'dim',
  deleted: 'dim',
};

/** A text in the colour of a status; plain for one that this release does not know. */
export function inColourOf(status: TaskStatus, text: string, { paint }: Pick<Output, 'paint'>) {
  const colour: Colour | undefined = COLOURS[status];
  return colour === undefined ? text : paint[colour](text);
}
