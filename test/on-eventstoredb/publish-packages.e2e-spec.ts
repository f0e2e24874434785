import { onEventStoreDb } from './on-eventstoredb.js';

await onEventStoreDb(() => import('../publish-packages.e2e-spec.js'));
