/**
 * The import rule of the design (§5), checked by `npm run lint`. Every folder names what it may import;
 * what is not named is refused. Wiring (main.ts, *.module.ts, what opens the logs of a copy) and tests
 * (test/, *.spec.ts) may import all.
 */
const WIRING = String.raw`^src/(main|messages)\.ts$|^src/log-copy/(main|open-log)\.ts$|^src/backup/(main|backup\.thread)\.ts$|\.module\.ts$`;
/** Tests beside the source, and what they share. */
const SPEC = String.raw`\.(spec|e2e-spec|fixture)\.ts$`;
const EXEMPT = [WIRING, SPEC];

const PROTOCOL = '^packages/protocol/';
const CONTEXT = '^src/context/';
/** Rules of fields that messages of all kinds have. */
const MESSAGE_FIELDS = String.raw`^src/context/message-fields\.ts$`;
const CONFIG = '^src/config/';
const EVENTS = '^src/events/';
/** Long work that admin messages start. */
const JOBS = '^src/jobs/';
const JOB_MESSAGES = [
  String.raw`^src/jobs/.*\.(command|query)\.ts$`,
  String.raw`^src/jobs/job-messages\.ts$`,
];
/** Whether the history is whole. */
const PROOF = '^src/proof/';
const PROOF_MESSAGES = [
  String.raw`^src/proof/.*\.(command|query)\.ts$`,
  String.raw`^src/proof/proof-messages\.ts$`,
];
/** Who has seen the log before. */
const HISTORY_WITNESS = String.raw`^src/proof/history-witness\.port\.ts$`;
/** What commands keep of long streams beside the events. */
const SNAPSHOTS = String.raw`^src/commands/task-snapshot\.ts$`;
const TASK = '^src/task/';
const DATABASE = '^src/database/';
const PROCESSING = '^src/processing/';
const CLIENT = '^packages/client/';
/** The index files that workers write and the service searches. */
const SEARCH = '^packages/search/';
/** The ports of the event log, their errors and index; an adapter's folder is below, a module is wiring. */
const EVENT_STORE_PORTS = String.raw`^src/event-store/[^/]+\.ts$`;
const ADAPTERS = '^src/event-store/(sqlite|memory|eventstoredb)/';
/** A command's message: a saga or a controller can name it without its handler. */
const COMMAND_MESSAGES = [
  String.raw`^src/commands/.*\.command\.ts$`,
  String.raw`^src/commands/(task-command|new-task|command-messages|fields)\.ts$`,
  String.raw`^src/commands/task-types/task-type-messages\.ts$`,
];
/** The messages of `tasks.admin.*` about processors. */
const ADMIN_MESSAGES = [
  String.raw`^src/processing/admin/.*\.(command|query)\.ts$`,
  String.raw`^src/processing/admin/admin-(messages|fields)\.ts$`,
];
/** What commands ask of the views, and tell them. */
const VIEW_PORTS = String.raw`^src/commands/(imported-tasks|task-finder|task-types|workers)\.port\.ts$`;
const APPROVER_NOTICES = String.raw`^src/commands/approver-notices\.port\.ts$`;
/** Whose tasks an actor may see. */
const VISIBILITY = String.raw`^src/projections/visibility\.ts$`;
const QUERY_FIELDS = String.raw`^src/projections/query-fields\.ts$`;
const QUERY_MESSAGES = [
  String.raw`^src/projections/.*\.query\.ts$`,
  String.raw`^src/projections/query-messages\.ts$`,
];
/** The audit's files are not the views': it opens them itself, in a thread. */
const AUDIT_FILES = '^src/projections/audit/';
/** What projections are made from. */
const PROJECTED = [
  EVENTS,
  TASK,
  DATABASE,
  PROCESSING,
  EVENT_STORE_PORTS,
  PROTOCOL,
  CONTEXT,
  VIEW_PORTS,
  HISTORY_WITNESS,
  JOBS,
];
/** What reads all of a log and says whether it is whole. */
const LOG_AUDIT = String.raw`^src/log-copy/(log-audit|progress)\.ts$`;
/** Starts the test server of EventStoreDB as a process of its own, to be measured against. */
const TEST_SERVER = String.raw`^test/eventstoredb-server/launch\.mjs$`;
/** This repository's code; Node's own modules and packages have rules of their own below. */
const OURS = '^(src|packages|test|bench|examples)/';
/** The SQLite release that fits the running Node: a driver like any package. */
const SQLITE = '^packages/sqlite-driver/';
/** Which addresses are public: one rule for webhooks and for git. */
const PUBLIC_ADDRESS = '^packages/public-address/';

/** `from` may import, of ours, only itself and `allowed`. */
const layer = (name, from, allowed, { itself = from, except = [] } = {}) => ({
  name,
  severity: 'error',
  comment: `DESIGN §5 says what ${name} may import.`,
  from: { path: from, pathNot: [...EXEMPT, ...except.flat()] },
  to: { path: OURS, pathNot: [itself, ...allowed].flat() },
});

/** The package is a driver: only these places know it. */
const driver = (name, packages, places) => ({
  name: `driver-${name}`,
  severity: 'error',
  comment: `${name} is known only where the design puts it.`,
  from: { path: OURS, pathNot: [...places, SPEC, '^test/', '^bench/'] },
  to: { path: packages },
});

const npm = (name) => `(^|/)node_modules/${name}/|^${name}$`;
const NEST = '(^|/)node_modules/@nestjs/|^@nestjs/';

module.exports = {
  forbidden: [
    layer('protocol', PROTOCOL, []),
    layer('config', CONFIG, [PROTOCOL]),
    layer('context', CONTEXT, [PROTOCOL]),
    layer('events', EVENTS, [PROTOCOL]),
    layer('task', TASK, [EVENTS, PROTOCOL]),
    layer('command-messages', COMMAND_MESSAGES, [PROTOCOL, MESSAGE_FIELDS]),
    layer(
      'command-handlers',
      '^src/commands/',
      [TASK, EVENTS, CONTEXT, EVENT_STORE_PORTS, PROTOCOL],
      { except: [COMMAND_MESSAGES] },
    ),
    layer('database', DATABASE, [SQLITE]),
    layer('projections', '^src/projections/', PROJECTED, { except: [AUDIT_FILES] }),
    layer('audit', AUDIT_FILES, [...PROJECTED, SQLITE, '^src/projections/']),
    layer('sagas', '^src/sagas/', [EVENTS, COMMAND_MESSAGES, PROCESSING, PROTOCOL, CONTEXT]),
    layer('retention', '^src/retention/', [
      COMMAND_MESSAGES,
      PROCESSING,
      PROTOCOL,
      CONTEXT,
      CONFIG,
    ]),
    layer('publishers', '^src/publishers/', [
      EVENTS,
      PROCESSING,
      PROTOCOL,
      CONTEXT,
      CONFIG,
      PUBLIC_ADDRESS,
      APPROVER_NOTICES,
    ]),
    layer('worker-process', '^src/workers/', [CONFIG]),
    layer('event-store', EVENT_STORE_PORTS, [PROTOCOL]),
    ...['sqlite', 'memory', 'eventstoredb'].map((adapter) =>
      layer(`event-store-${adapter}`, `^src/event-store/${adapter}/`, [
        EVENT_STORE_PORTS,
        PROTOCOL,
        ...(adapter === 'sqlite' ? [SQLITE] : []),
      ]),
    ),
    layer('jobs', JOBS, [DATABASE, PROTOCOL, CONTEXT]),
    layer('processing', PROCESSING, [JOBS, EVENT_STORE_PORTS, EVENTS, DATABASE, PROTOCOL, CONTEXT]),
    layer('policy', '^src/policy/', [
      TASK,
      EVENTS,
      EVENT_STORE_PORTS,
      PROTOCOL,
      JOBS,
      PROCESSING,
      COMMAND_MESSAGES,
    ]),
    layer('admin-messages', ADMIN_MESSAGES, [PROTOCOL, MESSAGE_FIELDS]),
    layer('log-copy', '^src/log-copy/', [EVENT_STORE_PORTS, EVENTS, PROTOCOL]),
    layer('proof', PROOF, [
      SNAPSHOTS,
      EVENTS,
      EVENT_STORE_PORTS,
      JOBS,
      PROTOCOL,
      CONTEXT,
      QUERY_FIELDS,
      VISIBILITY,
      VIEW_PORTS,
    ]),
    layer('backup', '^src/backup/', [
      EVENT_STORE_PORTS,
      LOG_AUDIT,
      JOBS,
      CONTEXT,
      CONFIG,
      PROTOCOL,
    ]),
    layer('transport', '^src/transport/', [
      JOB_MESSAGES,
      PROOF_MESSAGES,
      COMMAND_MESSAGES,
      QUERY_MESSAGES,
      PROTOCOL,
      CONTEXT,
      CONFIG,
    ]),
    layer('client', CLIENT, [PROTOCOL]),
    layer('search', SEARCH, [PROTOCOL, SQLITE]),
    layer('repository-search', '^src/search/', [SEARCH, PROTOCOL, CONTEXT, CONFIG, QUERY_FIELDS]),
    layer('workers', '^packages/workers/', [CLIENT, PROTOCOL, SEARCH, SQLITE, PUBLIC_ADDRESS]),
    layer('public-address', PUBLIC_ADDRESS, []),
    layer('cli', '^packages/cli/', [CLIENT]),
    layer('examples', '^examples/', [CLIENT]),
    layer('bench', '^bench/', [CLIENT, SQLITE, TEST_SERVER]),
    {
      name: 'adapters-are-picked-by-wiring',
      severity: 'error',
      comment: 'Which event store runs is chosen in a module, main.ts or a test.',
      from: { path: OURS, pathNot: [...EXEMPT, '^test/', ADAPTERS] },
      to: { path: ADAPTERS },
    },
    {
      name: 'wiring-is-imported-by-wiring',
      severity: 'error',
      comment: "A module is imported by modules, main.ts, tests and its own folder's index only.",
      from: {
        path: OURS,
        pathNot: [...EXEMPT, '^test/', String.raw`^(src|packages/client/src)/[^/]+/index\.ts$`],
      },
      to: { path: WIRING },
    },
    {
      name: 'tests-stay-outside',
      severity: 'error',
      comment: 'Nothing imports test/ or a spec; a benchmark only what its own rule above names.',
      from: { path: OURS, pathNot: ['^test/', '^packages/[^/]+/test/', '^bench/', SPEC] },
      to: { path: ['^test/', '^packages/[^/]+/test/', SPEC] },
    },
    driver('better-sqlite3', npm('better-sqlite3(-napi)?'), [SQLITE]),
    driver('kysely', npm('kysely'), [DATABASE, '^src/projections/']),
    driver('nats', '(^|/)node_modules/@nats-io/|^@nats-io/', [
      '^src/transport/',
      '^src/publishers/',
      String.raw`^src/config/nats-options\.ts$`,
      String.raw`^src/main\.ts$`,
      CLIENT,
    ]),
    driver('nest-microservices', npm('@nestjs/microservices'), [
      '^src/transport/',
      '^src/publishers/',
      String.raw`^src/main\.ts$`,
    ]),
    driver('eventstoredb', npm('@eventstore/db-client'), ['^src/event-store/eventstoredb/']),
    {
      name: 'pure-task',
      severity: 'error',
      comment:
        "The task's state is plain TypeScript: no Nest, no rxjs, no I/O; hashing is none of these.",
      from: { path: TASK, pathNot: SPEC },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'npm-peer', 'npm-no-pkg', 'core'],
        pathNot: ['^(node:)?crypto$', PROTOCOL],
      },
    },
    {
      name: 'plain-words',
      severity: 'error',
      comment:
        'Protocol, context and events know neither Nest nor rxjs; the protocol knows nothing.',
      from: { path: [PROTOCOL, CONTEXT, EVENTS], pathNot: EXEMPT },
      to: { path: [NEST, npm('rxjs')] },
    },
    {
      name: 'protocol-without-dependencies',
      severity: 'error',
      comment: 'The words on the wire depend on nothing, not even on Node.',
      from: { path: PROTOCOL, pathNot: SPEC },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-peer', 'npm-no-pkg', 'core'] },
    },
    {
      name: 'messages-are-only-validated',
      severity: 'error',
      comment: 'A message has fields and their checks, nothing else.',
      from: { path: [...COMMAND_MESSAGES, ...ADMIN_MESSAGES], pathNot: SPEC },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'npm-peer', 'npm-no-pkg'],
        pathNot: [npm('class-validator'), npm('class-transformer'), '^packages/protocol/'],
      },
    },
    {
      name: 'what-runs-is-a-dependency',
      severity: 'error',
      comment: 'A development dependency is missing where the service is installed.',
      from: { path: '^src/', pathNot: SPEC },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'everything-resolves',
      severity: 'error',
      comment: 'What we are measured beside is installed only when a benchmark needs it.',
      from: { pathNot: '^bench/peers/' },
      to: { couldNotResolve: true, pathNot: '(^|/)dist/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: String.raw`^dist/|^packages/[^/]+/dist/|^packages/[^/]+/[^/]+\.m?js$` },
    tsPreCompilationDeps: true,
    detectJSDocImports: false,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@taskmanager/source', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.mjs', '.js', '.cjs', '.d.ts', '.json'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
