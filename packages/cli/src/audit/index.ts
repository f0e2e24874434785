/** `taskmanager audit …` */
import type { Define } from '../act.js';
import { defineExport } from './export.js';
import { defineSeal, defineVerify } from './proof.js';
import { defineQuery } from './query.js';

export const addAuditCommands: Define = (program, act) => {
  const group = program.command('audit').description('who did what; whether the history is whole');
  for (const define of [defineQuery, defineExport, defineSeal, defineVerify]) define(group, act);
};
