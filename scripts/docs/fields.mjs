/** The fields of a message class, from the rules that its decorators set. */
import { bytes, count, row, table } from './markdown.mjs';
import { meaningOf } from './meanings.mjs';

const atMostBytes = ({ message }) => `at most ${bytes(Number(/\d+/.exec(message)[0]))}`;
const said = ({ message }) => message.replace('$property must be ', '');
const firstOf = (rule) => rule.constraints[0];

/**
 * What a field takes, by the names of its rules in class-validator: the first entry whose rules the
 * field has says it. Rules that no entry names are an error, so that a new decorator is described here.
 */
const TYPES = [
  [['isUuid'], () => 'UUID'],
  [['hasLength'], (rule) => said(rule).replace('text of', 'text,')],
  [['matches'], (rule) => `text like \`${firstOf(rule).source}\``],
  [
    ['isIn'],
    (rule) =>
      firstOf(rule)
        .map((value) => `\`${value}\``)
        .join(', '),
  ],
  [['isPayload', 'payloadSize'], (_, size) => `any JSON, ${atMostBytes(size)}`],
  [
    ['isString', 'textSize', 'minLength'],
    (_, size) => `text that is not empty, ${atMostBytes(size)}`,
  ],
  [['isString', 'textSize'], (_, size) => `text, ${atMostBytes(size)}`],
  [
    ['isString', 'minLength', 'maxLength'],
    (_, min, max) => `text, ${firstOf(min)} to ${count(firstOf(max))} characters`,
  ],
  [['isString', 'maxLength'], (_, max) => `text, at most ${count(firstOf(max))} characters`],
  [['isBoolean'], () => 'true or false'],
  [
    ['isInt', 'min', 'max'],
    (_, min, max) => `whole number, ${count(firstOf(min))} to ${count(firstOf(max))}`,
  ],
  [['isInt', 'min'], (_, min) => `whole number, at least ${count(firstOf(min))}`],
  [['isNumber', 'min', 'max'], (_, min, max) => `number, ${firstOf(min)} to ${firstOf(max)}`],
  [['isLabels', 'labelsSize'], (_, size) => `object of texts, ${said(size)}`],
  [
    ['isBackoff'],
    (rule) => `\`${said(rule).replaceAll("'", '').replace(': milliseconds', '')}\`, milliseconds`,
  ],
  [['isTimeouts'], said],
  [['areLabels'], said],
  [['isRepositoryUrl'], said],
  [['isBranch'], said],
  [['isWorkPath'], said],
  [['isOneLine'], said],
  [['areWorkPaths'], said],
  [['isImportConcurrency'], said],
  [['isActor'], said],
  [['isPosition'], said],
  [['isMaxRunning'], said],
  [['areCounts'], said],
  [['areExportedEvents'], said],
  [['isSeal'], said],
];
const LIST = ['isArray', 'arrayMinSize', 'arrayMaxSize'];

function describe(rules) {
  const by = new Map(rules.map((rule) => [rule.name, rule]));
  const own = [...by.keys()].filter((name) => !LIST.includes(name));
  const found = TYPES.find(
    ([names]) => names.length === own.length && names.every((name) => by.has(name)),
  );
  if (!found)
    throw new Error(`scripts/docs/fields.mjs cannot describe a field with ${own.join(', ')}.`);
  const [names, text] = found;
  const item = text(...names.map((name) => by.get(name)));
  if (!by.has('isArray')) return item;
  const [least, most] = [by.get('arrayMinSize'), by.get('arrayMaxSize')].map(
    (r) => r && firstOf(r),
  );
  return `list of ${least === undefined ? 'up' : least} to ${count(most)}: ${item}`;
}

/** The fields of a message class in the order to show them: the task first, the lease last. */
export function fieldsOf({ metadataStorage }, type) {
  const fields = new Map();
  for (const rule of metadataStorage.getTargetValidationMetadatas(type, '', false, false)) {
    const field = fields.get(rule.propertyName) ?? { optional: false, rules: [] };
    fields.set(rule.propertyName, field);
    if (rule.type === 'conditionalValidation') field.optional = true;
    else field.rules.push(withMessage(metadataStorage, rule));
  }
  const place = (name, optional) =>
    name === 'id' ? 0 : name === 'workerId' || name === 'leaseEpoch' ? 3 - !optional : 1;
  return [...fields]
    .map(([name, { optional, rules }]) => ({ name, optional, type: describe(rules) }))
    .sort((a, b) => place(a.name, a.optional) - place(b.name, b.optional));
}

function withMessage(storage, { name, constraints, constraintCls }) {
  const [validator] = storage.getTargetValidatorConstraints(constraintCls);
  return {
    name,
    constraints,
    message: String(validator?.instance.defaultMessage?.({ constraints })),
  };
}

export function fieldTable(fields, own, shared, where) {
  const stranger = Object.keys(own).find((name) => !fields.some((field) => field.name === name));
  if (stranger) throw new Error(`docs/meanings.json: ${where} has no field ${stranger}.`);
  return table(
    ['field', 'type and limits', 'meaning'],
    fields.map(({ name, optional, type }) =>
      row(
        `\`${name}\`${optional ? ' ?' : ''}`,
        type,
        own[name] ?? meaningOf(shared, name, `fields of ${where}`),
      ),
    ),
  );
}
