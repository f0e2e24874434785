/** The words on the wire of TaskManager. No dependencies: what stands here is the contract, nothing else. */
export * from './actor.js';
export * from './answers.js';
export * from './endpoints.js';
export * from './errors.js';
export * from './explain.js';
export * from './feed.js';
export * from './limits.js';
export * from './messages.js';
export * from './position.js';
export * from './processors.js';
export * from './requests.js';
export * from './search.js';
export * from './task-info.js';
export * from './task-status.js';
export * from './task-types.js';
export * from './transitions.js';
export * from './work-inputs.js';
