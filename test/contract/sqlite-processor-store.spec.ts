import { SqliteProcessorStore } from '../../src/event-store/sqlite/index.js';
import { describeProcessorStoreContract } from './processor-store.contract.js';
import { temporaryFolder } from './temporary-folder.js';

describeProcessorStoreContract('SqliteProcessorStore', async () => {
  const { file, remove } = await temporaryFolder('log.db');
  return { open: async () => SqliteProcessorStore.open({ file }), remove };
});
