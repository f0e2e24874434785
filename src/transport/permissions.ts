import {
  COMMAND_NAMES,
  commandSubject,
  QUERY_NAMES,
  querySubject,
  type CommandName,
  type Role,
} from '@taskmanager/protocol';

const QUERIES = QUERY_NAMES.map(querySubject);
const commands = (...names: readonly CommandName[]): string[] => names.map(commandSubject);

/** Everything that operates the service itself. */
export const ADMIN_PREFIX = 'tasks.admin.';

/**
 * Which role may send which message; an actor may send what any of his roles may. `batch` is only an
 * envelope: each of its commands is checked by itself. update_task_status stands for nine commands, so it
 * is only for those who may send them all.
 */
const ALLOWED: Readonly<Record<Exclude<Role, 'admin'>, ReadonlySet<string>>> = {
  reader: new Set(QUERIES),
  client: new Set([...QUERIES, ...commands(...COMMAND_NAMES)]),
  worker: new Set([
    ...QUERIES,
    ...commands(
      'batch',
      'claim_tasks',
      'start_task',
      'renew_lease',
      'release_task',
      'acknowledge_pause',
      'acknowledge_cancel',
      'update_task_progress',
      'update_task_data',
      'update_task_error',
      'complete_task',
      'fail_task',
      'request_approval',
    ),
  ]),
  approver: new Set([...QUERIES, ...commands('batch', 'approve_task', 'reject_task')]),
};

/**
 * Roles that the service does not know allow nothing by themselves; approvals may name them. What
 * operates the service concerns all apps: who is confined to some may not send it, whatever his roles.
 */
export function permissionsOf(
  roles: readonly string[],
  apps?: readonly string[],
): (subject: string) => boolean {
  if (roles.includes('admin'))
    return (subject) => apps === undefined || !subject.startsWith(ADMIN_PREFIX);
  const sets = roles.flatMap((role) =>
    Object.hasOwn(ALLOWED, role) ? [ALLOWED[role as keyof typeof ALLOWED]] : [],
  );
  return (subject) => sets.some((allowed) => allowed.has(subject));
}
