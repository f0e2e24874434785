import { MemoryEventLog, MemoryLogStorage } from '../../src/event-store/memory/index.js';
import { describeEventLogContract } from './event-log.contract.js';

describeEventLogContract('MemoryEventLog', async () => {
  const storage = new MemoryLogStorage();
  return { open: async () => new MemoryEventLog(storage), remove: async () => undefined };
});
