/**
 * The thread that writes the log: it has a connection of its own, so that a commit waits for the disk
 * beside the event loop. It takes one message at a time and answers each; see {@link ThreadedLogWriter}.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { connect } from './connection.js';
import { LogWriter, type BatchOutcome } from './log-writer.js';
import { writeFailure } from './sqlite-failure.js';
import type { SqliteSettings } from './sqlite-options.js';
import type { ToWriterThread } from './threaded-log-writer.js';

const settings = workerData as SqliteSettings;
let connection: { readonly writer: LogWriter; readonly close: () => void } | undefined;

function open() {
  const db = connect(settings);
  return { writer: new LogWriter(db, settings.cachedHeads), close: () => db.close() };
}

function write(batch: Exclude<ToWriterThread, 'close'>): BatchOutcome {
  try {
    connection ??= open();
  } catch (error) {
    return { notBegun: writeFailure(`cannot open ${settings.file}`, error, false), busy: false };
  }
  return connection.writer.write(batch);
}

parentPort?.on('message', (message: ToWriterThread) => {
  if (message !== 'close') {
    parentPort?.postMessage(write(message));
    return;
  }
  connection?.writer.close();
  connection?.close();
  parentPort?.close();
});
