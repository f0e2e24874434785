import { EventStoreDbEventLog } from '../../src/event-store/eventstoredb/index.js';
import { describeEventLogContract } from './event-log.contract.js';
import { eventStoreDb } from './eventstoredb-harness.js';

describeEventLogContract('EventStoreDbEventLog', async () => {
  const { options, remove } = await eventStoreDb();
  // All of an append has to fit into 1 MiB, unless the server's MaxAppendSize was raised.
  const textBytes = 480 * 1024;
  return { open: () => EventStoreDbEventLog.open(options), remove, textBytes };
});
