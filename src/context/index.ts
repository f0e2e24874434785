/** What comes with a command: who, when, why, under which id; clock, ids and the one kind of refusal. */
export * from './admin-journal.port.js';
export * from './clock.js';
export * from './command-context.js';
export * from './ids.js';
export * from './listed.js';
export * from './refusal.js';
export * from './who-and-why.js';
