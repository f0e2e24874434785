import { delimiter } from 'node:path';

/** One environment variable of the program: its name, meaning, form and default. */
export interface Variable {
  readonly name: string;
  readonly meaning: string;
  /** What is allowed, for people; shown when the value is wrong. */
  readonly allowed: string;
  /** Used when the variable is missing or empty. */
  readonly fallback?: string;
  /** Its value is never shown. */
  readonly secret?: true;
}

const variable = (name: string, meaning: string, allowed: string, fallback?: string): Variable => ({
  name,
  meaning,
  allowed,
  ...(fallback === undefined ? {} : { fallback }),
});

const secret = (name: string, meaning: string): Variable => ({
  ...variable(name, meaning, 'text'),
  secret: true,
});

/** Every setting, in the order in which `--help` prints them. */
export const VARIABLES = {
  url: variable(
    'TASKMANAGER_URL',
    'where the service is',
    'tcp://host:port, tcps://host:port (TLS), nats://host:port or tls://host:port (NATS with TLS), without user or password',
    'tcp://127.0.0.1:4010',
  ),
  token: secret(
    'TASKMANAGER_TOKEN',
    'a token of the service’s AUTH_FILE whose actor has the role worker',
  ),
  natsUser: variable('NATS_USER', 'user name at the broker', 'text'),
  natsPassword: secret('NATS_PASSWORD', 'its password'),
  natsToken: secret('NATS_TOKEN', 'token at the broker'),
  natsCredsFile: variable('NATS_CREDS_FILE', 'credentials at the broker', 'a readable file'),
  roots: variable(
    'WORKER_ROOTS',
    'folders below which every path of a task must lie; relative paths of a task begin at the first',
    `folders, with ${delimiter} between`,
    './data/work',
  ),
  types: variable(
    'WORKER_TYPES',
    'which task types are run; all when missing',
    'names of task types, with commas between',
  ),
  concurrency: variable(
    'WORKER_CONCURRENCY',
    'tasks of each type at one time',
    'a whole number from 1 to 100',
    '2',
  ),
  allowPrivate: variable(
    'WORKER_ALLOW_PRIVATE',
    'whether repositories may be fetched from this machine and from private networks',
    'true or false',
    'false',
  ),
  gitCa: variable(
    'WORKER_GIT_CA',
    'who signs the certificates of git servers (PEM), if not one of the usual',
    'a readable file',
  ),
  leaseMs: variable(
    'WORKER_LEASE_MS',
    'a task whose worker is not heard of for so long goes to another',
    'a whole number from 1000 to 86400000',
    '30000',
  ),
  shutdownMs: variable(
    'WORKER_SHUTDOWN_MS',
    'how long a stop waits for tasks, which are handed back then',
    'a whole number from 0 to 3600000',
    '10000',
  ),
} as const satisfies Record<string, Variable>;

/** What `--help` prints. */
export function help(taskTypes: readonly string[]): string {
  const variables = Object.values<Variable>(VARIABLES);
  const width = Math.max(...variables.map(({ name }) => name.length)) + 1;
  return [
    `Runs the task types that come with TaskManager: ${taskTypes.join(', ')}.`,
    '',
    'Usage: npm run workers, or, when it is built, node packages/workers/dist/main.js [--help]',
    '',
    'It is set up by environment variables:',
    '',
    ...variables.map(
      ({ name, meaning, allowed, fallback }) =>
        `  ${name.padEnd(width)}${meaning}\n${' '.repeat(width + 2)}${allowed}${
          fallback === undefined ? '' : `; default ${fallback}`
        }`,
    ),
    '',
  ].join('\n');
}
