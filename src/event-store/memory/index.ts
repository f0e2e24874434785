/** The event store for tests: the same meaning as the real ones, gone with the process. */
export { MemoryEventLog } from './memory-event-log.js';
export { MemoryLogStorage } from './memory-log-storage.js';
export { MemoryProcessorStorage, MemoryProcessorStore } from './memory-processor-store.js';
