/** `taskmanager task …` */
import type { Define } from '../act.js';
import { defineExplain } from './explain.js';
import { defineGet } from './get.js';
import { defineHistory } from './history.js';
import { defineList } from './list.js';
import { defineMove } from './move.js';
import { defineSteering } from './steer.js';
import { defineStuck } from './stuck.js';
import { defineTimeTravel } from './time-travel.js';
import { defineWatch } from './watch.js';

export const addTaskCommands: Define = (program, act) => {
  const group = program.command('task').description('find, watch and steer tasks');
  for (const define of [
    defineList,
    defineGet,
    defineWatch,
    defineHistory,
    defineTimeTravel,
    defineExplain,
    defineStuck,
    defineSteering,
    defineMove,
  ])
    define(group, act);
};
