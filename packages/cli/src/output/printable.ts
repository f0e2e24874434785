/** Text from tasks and actors, made safe for terminals: whoever named a task must not steer the reader's screen. */

/** What turns the direction of text around, and line separators that are no control characters. */
const TURNS = '\\u061c\\u200e\\u200f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069';
/** With all control characters. */
const UNSAFE = new RegExp(`[\\p{Cc}${TURNS}]`, 'gu');
/** Those that JSON leaves as they are. */
const UNSAFE_IN_JSON = new RegExp(`[\\u007f-\\u009f${TURNS}]`, 'gu');

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** One line without anything that a terminal would act on. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (char) => NAMED[char] ?? escaped(char));
}

/** JSON that is the same to a program and harmless to a terminal. @param indent 0: one line */
export function safeJson(value: unknown, indent = 0): string {
  return (JSON.stringify(value, undefined, indent) ?? 'null').replace(UNSAFE_IN_JSON, escaped);
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
