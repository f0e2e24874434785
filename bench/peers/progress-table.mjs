/** For those who have no progress of their own: a row for each job in a table beside the queue's own. */

export const CREATE_TABLE =
  'create table if not exists life_progress (job_id text primary key, percent int not null)';
export const WRITE_PROGRESS =
  'insert into life_progress (job_id, percent) values ($1, $2) on conflict (job_id) do update set percent = excluded.percent';
