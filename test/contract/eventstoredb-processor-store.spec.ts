import { EventStoreDbProcessorStore } from '../../src/event-store/eventstoredb/index.js';
import { eventStoreDb } from './eventstoredb-harness.js';
import { describeProcessorStoreContract } from './processor-store.contract.js';

describeProcessorStoreContract('EventStoreDbProcessorStore', async () => {
  const { options, remove } = await eventStoreDb();
  return { open: () => EventStoreDbProcessorStore.open(options), remove };
});
