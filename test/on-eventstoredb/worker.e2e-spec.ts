import { onEventStoreDb } from './on-eventstoredb.js';

await onEventStoreDb(async () => {
  await import('../worker.e2e-spec.js');
  await import('../worker-stop.e2e-spec.js');
  await import('../worker-restart.e2e-spec.js');
});
