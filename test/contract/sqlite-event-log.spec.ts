import { SqliteEventLog } from '../../src/event-store/sqlite/index.js';
import { describeEventLogContract } from './event-log.contract.js';
import { temporaryFolder } from './temporary-folder.js';

describeEventLogContract('SqliteEventLog', async () => {
  const { file, remove } = await temporaryFolder('log.db');
  return { open: async () => SqliteEventLog.open({ file }), remove };
});
