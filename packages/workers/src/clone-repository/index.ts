/** The task type `clone_repository`. */
export { type ClonedRepository, cloneRepository } from './clone-repository.js';
