import type { Difference } from '@taskmanager/client';
import type { Output } from '../output/output.js';
import { safeJson } from '../output/printable.js';
import { countText } from '../output/words.js';

/** Where a view and the log do not agree, for people. */
export function showDifferences(
  differences: readonly Difference[],
  count: number,
  output: Output,
): void {
  if (differences.length === 0) return;
  output.table(
    [
      { title: 'TASK', value: ({ taskId }) => taskId },
      { title: 'FIELD', value: ({ path }) => path, shrinkTo: 10 },
      {
        title: 'VIEW',
        value: ({ view }) => (view === undefined ? '' : safeJson(view)),
        shrinkTo: 8,
      },
      { title: 'LOG', value: ({ log }) => (log === undefined ? '' : safeJson(log)), shrinkTo: 8 },
      { title: 'WHAT', value: ({ text }) => text, shrinkTo: 10 },
    ],
    differences,
  );
  const more = count - differences.length;
  if (more > 0) output.line(`… and ${countText(more)} more.`);
}
