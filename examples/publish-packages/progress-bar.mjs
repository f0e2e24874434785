/** One line that fills up on a terminal, a few plain lines elsewhere. */
const WIDTH = 30;

/** @param {number} completed @param {number} total @param {string} message */
export function showProgress(completed, total, message) {
  const percent = Math.floor((100 * completed) / total);
  if (process.stdout.isTTY) {
    const filled = Math.round((WIDTH * completed) / total);
    const bar = '█'.repeat(filled) + '░'.repeat(WIDTH - filled);
    const end = completed === total ? '\n' : '';
    process.stdout.write(`\r\x1b[K${bar} ${percent} %  ${completed}/${total}  ${message}${end}`);
  } else if (Math.floor((4 * completed) / total) > Math.floor((4 * (completed - 1)) / total)) {
    process.stdout.write(`${percent} %  ${completed}/${total} chunks\n`);
  }
}
