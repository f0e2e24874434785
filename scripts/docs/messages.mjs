/** Commands, queries and admin messages: who sends them, with what, and what they answer. */
import { fieldsOf, fieldTable } from './fields.mjs';
import { row, table } from './markdown.mjs';
import { meaningOf } from './meanings.mjs';

function rolesOf({ protocol, permissionsOf }, subject) {
  return protocol.ROLES.filter((role) => permissionsOf([role])(subject));
}

function message(code, meanings, { name, subject, fields, of }) {
  const {
    meaning,
    answer = 'a [command answer](#a-request-and-its-answer)',
    fields: own = {},
    byHand,
  } = of;
  const rows = () => {
    if (!byHand) return fieldTable(fields, own, meanings.fields, name);
    const entries = Object.entries(byHand);
    const shown = entries.map(([field, of]) => row(`\`${field}\``, of.type, of.meaning));
    return table(['field', 'type and limits', 'meaning'], shown);
  };
  const senders = rolesOf(code, subject).map((role) => `\`${role}\``);
  return [
    `### ${name}`,
    meaning,
    `\`${subject}\` · for ${senders.join(', ')} · answers ${answer}`,
    fields.length > 0 || byHand ? rows() : 'It has no fields.',
  ].join('\n\n');
}

export function commands(code, meanings) {
  const { protocol } = code;
  return protocol.COMMAND_NAMES.map((name) => {
    const of = meaningOf(meanings.commands, name, 'commands');
    const type = code.messages.commands.find((each) => each.message === name);
    if (!type && !of.byHand) throw new Error(`The command ${name} has no message class.`);
    const fields = type ? fieldsOf(code, type) : [];
    return message(code, meanings, { name, subject: protocol.commandSubject(name), fields, of });
  }).join('\n\n');
}

export function queries(code, meanings) {
  const { QUERY_NAMES, querySubject } = code.protocol;
  return QUERY_NAMES.map((name) =>
    withAnswer(code, meanings, {
      name,
      subject: querySubject(name),
      section: 'queries',
      types: code.messages.queries,
    }),
  ).join('\n\n');
}

export function admin(code, meanings) {
  const { ADMIN_NAMES, adminSubject } = code.protocol;
  const types = [...code.messages.admin.commands, ...code.messages.admin.queries];
  return ADMIN_NAMES.map((name) =>
    withAnswer(code, meanings, { name, subject: adminSubject(name), section: 'admin', types }),
  ).join('\n\n');
}

/** A message whose answer is its own. */
function withAnswer(code, meanings, { name, subject, section, types }) {
  const of = meaningOf(meanings[section], name, section);
  meaningOf(of, 'answer', `${section}.${name}`);
  const type = types.find((each) => each.message === name);
  if (!type) throw new Error(`The message ${name} of ${section} has no class.`);
  return message(code, meanings, { name, subject, fields: fieldsOf(code, type), of });
}
