/** Long work that admin messages start, and how it is followed. */
export { Jobs, type JobWork, type ResumeJob, type RunJob } from './jobs.js';
