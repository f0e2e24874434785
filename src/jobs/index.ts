/** Long work that admin messages start, and how it is followed. */
export { FirstFew } from './first-few.js';
export { JobAborted, JobInterrupted, type JobWork, type ResumeJob, type RunJob } from './job.js';
export { Jobs } from './jobs.js';
export { Pace } from './pace.js';
