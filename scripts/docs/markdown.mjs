/** Tables and numbers of the generated docs. */
const cell = (text) => String(text).replaceAll('|', '\\|').replaceAll('\n', ' ');
export const row = (...cells) => `| ${cells.map(cell).join(' | ')} |`;
export const table = (head, rows) =>
  [row(...head), row(...head.map(() => '---')), ...rows].join('\n');
export const count = (number) =>
  number === Number.MAX_SAFE_INTEGER ? '2^53 − 1' : number.toLocaleString('en-US');
export function bytes(number) {
  if (number % 2 ** 20 === 0) return `${number / 2 ** 20} MiB`;
  return number % 1024 === 0 ? `${number / 1024} KiB` : `${number} bytes`;
}
