import {
  MemoryProcessorStorage,
  MemoryProcessorStore,
} from '../../src/event-store/memory/index.js';
import { describeProcessorStoreContract } from './processor-store.contract.js';

describeProcessorStoreContract('MemoryProcessorStore', async () => {
  const storage = new MemoryProcessorStorage();
  return { open: async () => new MemoryProcessorStore(storage), remove: async () => undefined };
});
