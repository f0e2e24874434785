import { onEventStoreDb } from './on-eventstoredb.js';

// What is new here is where the events come from.
process.env['POINTS'] = '60';
await onEventStoreDb(() => import('../time-travel.e2e-spec.js'));
