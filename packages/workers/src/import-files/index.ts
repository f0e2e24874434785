/** `import_files`: copies files and folders into a content-addressed store. */
export { type ImportFilesResult, importFiles } from './import-files.js';
