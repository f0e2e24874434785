import { type Kysely, type Migration, Migrator } from 'kysely';

/**
 * What every view shares. The tables of one view are not here: each version of a view makes its own,
 * beside the old ones, and takes them away again.
 */
export interface ViewsSchema {
  view_generation: ViewGenerationTable;
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
  state: 'building' | 'serving' | 'retired';
  /** The checkpoint: every event up to here is in the rows. */
  position: string | null;
  /** Rows may hold events up to here: a large write is under way, or was interrupted. */
  ahead: string | null;
  /** Changes with every write, so that another process on the same file is noticed. */
  marker: number;
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

/** Brings an older or a new file up to this release. */
export async function migrate(db: Kysely<ViewsSchema>): Promise<void> {
  const provider = { getMigrations: async () => MIGRATIONS };
  const { error } = await new Migrator({ db, provider }).migrateToLatest();
  if (error) throw error instanceof Error ? error : new Error('The views cannot be migrated.');
}
