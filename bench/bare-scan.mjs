/** Reads every event of a log file in pages by position and parses its JSON: `bare-scan.mjs <log.db>`. */
import Database from '@taskmanager/sqlite-driver';

const db = new Database(process.argv[2], { readonly: true });
const page = db
  .prepare('SELECT * FROM event WHERE position > ? ORDER BY position LIMIT 1000')
  .raw();
const columns = page.columns().map(({ name }) => name);
const [position, data, metadata] = ['position', 'data', 'metadata'].map((name) =>
  columns.indexOf(name),
);
const start = performance.now();
let events = 0;
for (let after = 0; ;) {
  const rows = page.all(after);
  for (const row of rows) {
    JSON.parse(row[data]);
    JSON.parse(row[metadata]);
  }
  events += rows.length;
  if (rows.length < 1000) break;
  after = rows.at(-1)[position];
}
console.log(JSON.stringify({ events, ms: performance.now() - start }));
