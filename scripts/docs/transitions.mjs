/** The states of a task and how events lead from one to the next. */
import { row, table } from './markdown.mjs';
import { meaningOf } from './meanings.mjs';

/** Where the events lead whose table row leaves it to the event. */
const BY_EVENT = {
  TaskLeaseExpired: (from) => (from === 'running' ? ['pending'] : []),
  TaskApproved: () => ['running', 'pending'],
};

function targets(type, { to }, from) {
  if (to === 'same') return [];
  if (to === 'before_pause') return ['pending', 'running'];
  if (to !== 'by_event') return [to];
  if (!(type in BY_EVENT))
    throw new Error(`Where does ${type} lead? Say it in scripts/docs/transitions.mjs.`);
  return BY_EVENT[type](from);
}

export function states({ TRANSITIONS }) {
  const edges = new Map();
  for (const [type, transition] of Object.entries(TRANSITIONS)) {
    // Every status leads to deleted: drawn, it would hide the rest.
    if (transition.to === 'deleted') continue;
    for (const from of Object.keys(transition.from)) {
      for (const to of targets(type, transition, from)) {
        if (from === to && type !== 'TaskStarted') continue;
        const edge = `${from} --> ${to}`;
        edges.set(edge, [...(edges.get(edge) ?? []), type]);
      }
    }
  }
  const lines = [...edges].map(([edge, types]) => `  ${edge}: ${types.join(', ')}`);
  return ['```mermaid', 'stateDiagram-v2', '  [*] --> pending: TaskCreated', ...lines, '```'].join(
    '\n',
  );
}

const CONDITIONS = {
  leased: 'with a lease',
  unleased: 'without a lease',
  unacknowledged: 'until acknowledged',
  retryToCome: 'with a retry to come',
};

export function transitions({ TRANSITIONS }) {
  const where = ([status, condition]) =>
    condition === true
      ? `\`${status}\``
      : `\`${status}\` ${meaningOf(CONDITIONS, condition, 'CONDITIONS')}`;
  const to = {
    same: 'stays',
    before_pause: 'as before the pause',
    by_event: 'see the event',
  };
  return table(
    ['event', 'may happen to a task that is', 'and leads to', 'in the feed'],
    Object.entries(TRANSITIONS).map(([type, transition]) =>
      row(
        `\`${type}\``,
        Object.entries(transition.from).map(where).join(', ') || 'not there yet',
        to[transition.to] ?? `\`${transition.to}\``,
        `\`${transition.feed}\``,
      ),
    ),
  );
}
