import { expect, it } from '@jest/globals';
import { formatPosition } from '@taskmanager/protocol';
import { auditRowOf, isReadable } from './audit-row.js';

const rowOf = (metadata: object) =>
  auditRowOf({
    ...{ stream: 'task-x', revision: 0n, id: 'e', type: 'TaskPaused', data: '{}' },
    ...{ position: formatPosition('0000abcd', 1), metadata: JSON.stringify(metadata) },
  });

it.each([[Number.MAX_SAFE_INTEGER], [-1], ['now'], [0.5]])(
  'an event of the time %s has a row without a time, and is counted as unreadable',
  (timestamp) => {
    const row = rowOf({ timestamp, actor: { id: 'ann' } });
    expect([row.at, isReadable(row)]).toEqual([0, false]);
  },
);
