import { type Kysely, type Migration, Migrator } from 'kysely';

/**
 * What every view shares, and the jobs. The tables of one view are not here: each version of a view makes its own,
 * beside the old ones, and takes them away again.
 */
export interface ViewsSchema {
  view_generation: ViewGenerationTable;
  view_parked: ViewParkedTable;
  /** Views that were told to pause: their names. */
  view_paused: { view: string };
}

export interface ViewGenerationTable {
  /** The projection's name. */
  view: string;
  /** Part of the names of this generation's tables; rises with each build of the view. */
  generation: number;
  /** The version of the code that folds into it. */
  version: number;
  /** The event log whose events it holds. */
  log_id: string;
  /** `kept`: another one serves in its place, and it stays until somebody drops it. */
  state: 'building' | 'serving' | 'kept' | 'retired';
  /** The checkpoint: every event up to here is in the rows. */
  position: string | null;
  /** Rows may hold events up to here: a large write is under way, or was interrupted. */
  ahead: string | null;
  /** Changes with every write, so that another process on the same file is noticed. */
  marker: number;
  /** The job that builds it, or has built it; null when a start began it. */
  job: string | null;
}

/** A task that one generation of a view has put aside: its row stays as it was before this event. */
export interface ViewParkedTable {
  view: string;
  generation: number;
  task_id: string;
  /** Of the first event that could not be folded. */
  position: string;
  revision: number;
  event_id: string;
  type: string;
  error: string;
  attempts: number;
  /** Epoch milliseconds. */
  parked_at: number;
  /** Asked for, and not done yet. */
  wanted: 'retry' | null;
}

/** In order of their names; a released one is never changed. */
const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '001_view_generations': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('view_generation')
        .addColumn('view', 'text', (column) => column.notNull())
        .addColumn('generation', 'integer', (column) => column.notNull())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('log_id', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('position', 'text')
        .addColumn('ahead', 'text')
        .addColumn('marker', 'integer', (column) => column.notNull())
        .addPrimaryKeyConstraint('view_generation_key', ['view', 'generation'])
        .execute();
    },
  },
  '002_view_parked': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('view_parked')
        .addColumn('view', 'text', (column) => column.notNull())
        .addColumn('generation', 'integer', (column) => column.notNull())
        .addColumn('task_id', 'text', (column) => column.notNull())
        .addColumn('position', 'text', (column) => column.notNull())
        .addColumn('revision', 'integer', (column) => column.notNull())
        .addColumn('event_id', 'text', (column) => column.notNull())
        .addColumn('type', 'text', (column) => column.notNull())
        .addColumn('error', 'text', (column) => column.notNull())
        .addColumn('attempts', 'integer', (column) => column.notNull())
        .addColumn('parked_at', 'integer', (column) => column.notNull())
        .addColumn('wanted', 'text')
        .addPrimaryKeyConstraint('view_parked_key', ['view', 'generation', 'task_id'])
        .execute();
      await db.schema
        .createTable('view_paused')
        .addColumn('view', 'text', (column) => column.primaryKey())
        .execute();
    },
  },
  '003_jobs': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('job')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('by', 'text', (column) => column.notNull())
        .addColumn('args', 'text', (column) => column.notNull())
        .addColumn('owner', 'text', (column) => column.notNull())
        .addColumn('seen_at', 'integer', (column) => column.notNull())
        .addColumn('started_at', 'integer', (column) => column.notNull())
        .addColumn('ended_at', 'integer')
        .addColumn('result', 'text')
        .addColumn('error', 'text')
        .execute();
    },
  },
  '004_jobs_of_dead_processes': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema.alterTable('job').addColumn('progress', 'text').execute();
      await db.schema.alterTable('job').addColumn('abort', 'text').execute();
    },
  },
  '005_view_builds_of_jobs': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema.alterTable('view_generation').addColumn('job', 'text').execute();
    },
  },
};

/** Migrations that the file has had and this release does not know. */
export async function unknownMigrations(db: Kysely<ViewsSchema>): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some(({ name }) => name === 'kysely_migration')) return [];
  const applied = await (db as unknown as Kysely<{ kysely_migration: { name: string } }>)
    .selectFrom('kysely_migration')
    .select('name')
    .orderBy('name')
    .execute();
  return applied.map(({ name }) => name).filter((name) => !(name in MIGRATIONS));
}

/**
 * Brings an older or a new file up to this release. To be called in a transaction that has locked the file
 * already: Kysely's own begins with a read, so of two processes that start on one file both would migrate.
 */
export async function migrate(db: Kysely<ViewsSchema>): Promise<void> {
  const provider = { getMigrations: async () => MIGRATIONS };
  const { error } = await new Migrator({
    db,
    provider,
    disableTransactions: true,
  }).migrateToLatest();
  if (error) throw error instanceof Error ? error : new Error('The views cannot be migrated.');
}
