/**
 * An app that runs a task of its own and takes it up again when it comes back: `node importing-app.mjs
 * <options of connect as JSON> [<file at which it stands still>]`. It says which file is done.
 */
import { TaskManager, TaskStatus } from '@taskmanager/client';

const FILES = 10;
const APP = 'importer';
const [, , options, standsStillAt] = process.argv;

const client = await TaskManager.connect({ ...JSON.parse(options), appName: APP });
const [unfinished] = await client.listTasks({
  appName: APP,
  statuses: [TaskStatus.Pending, TaskStatus.Running, TaskStatus.Paused],
});
const id = unfinished?.id ?? (await client.createTask(`Import ${FILES} files`, 'import_files'));
await client.updateTaskStatus(id, TaskStatus.Running);
for (let file = 1; file <= FILES; file++) {
  if (file === Number(standsStillAt)) await new Promise(() => {});
  await client.updateTaskProgress(id, file, FILES);
  console.log(`done: ${file}`);
}
await client.completeTask(id, { result: { imported: FILES } });
await client.close();
