import {
  getMetadataStorage,
  validateSync,
  ValidationTypes,
  type ValidationError,
} from 'class-validator';
import type { ErrorCode } from '@taskmanager/protocol';
import { Refusal } from '../context/index.js';

/** A message class and its decorators, prepared once. */
export interface MessageClass<M extends object = object, N extends string = string> {
  /** Its name on the wire. */
  readonly message: N;
  new (): M;
}

type Check = (value: unknown, message: object) => boolean;

interface Field {
  /** All must hold, or the field's rules do not apply to this message. */
  readonly conditions: Check[];
  readonly rules: Check[];
}

interface Problem {
  readonly field: string;
  readonly problem: string;
  readonly code: ErrorCode;
}

/**
 * Fills a message from a request's fields and checks it. class-validator's own run collects its rules
 * anew for every object and takes several times as long, so good messages are let through by the same
 * rules, collected once; only for a bad one class-validator is asked what is wrong.
 */
export class MessageShape<M extends object> {
  private readonly fields = new Map<string, Field>();
  /** The class uses a feature of class-validator that is not prepared here. */
  private unprepared = false;

  constructor(private readonly type: MessageClass<M>) {
    const storage = getMetadataStorage();
    for (const rule of storage.getTargetValidationMetadatas(type, '', false, false)) {
      const field = this.fields.get(rule.propertyName) ?? { conditions: [], rules: [] };
      this.fields.set(rule.propertyName, field);
      if (rule.type === ValidationTypes.CONDITIONAL_VALIDATION) {
        const condition = rule.constraints[0] as (message: object, value: unknown) => boolean;
        field.conditions.push((value, message) => condition(message, value));
      } else if (rule.type === ValidationTypes.CUSTOM_VALIDATION && !rule.validateIf) {
        field.rules.push(...this.checksOf(rule));
      } else if (rule.type !== ValidationTypes.WHITELIST) {
        this.unprepared = true;
      }
    }
  }

  /**
   * A message of the class with these fields; `meta` is left out.
   * @throws Refusal VALIDATION_FAILED or PAYLOAD_TOO_LARGE, naming every problem
   */
  parse(fields: object): M {
    const message = new this.type();
    const unknown: string[] = [];
    const plain = fields as Readonly<Record<string, unknown>>;
    for (const name of Object.keys(plain)) {
      if (name === 'meta') continue;
      // A name that the class does not declare, `__proto__` among them, is never assigned.
      if (this.fields.has(name)) (message as Record<string, unknown>)[name] = plain[name];
      else unknown.push(name);
    }
    if (unknown.length === 0 && !this.unprepared && this.isGood(message)) return message;
    const problems = [
      ...unknown.slice(0, MAX_PROBLEMS).map(unknownField),
      ...this.problemsOf(message),
    ];
    if (problems.length > 0) throw refusalOf(this.type.message, problems.slice(0, MAX_PROBLEMS));
    return message;
  }

  private isGood(message: M): boolean {
    for (const [name, { conditions, rules }] of this.fields) {
      const value = (message as Record<string, unknown>)[name];
      if (!conditions.every((holds) => holds(value, message))) continue;
      for (const rule of rules) if (!rule(value, message)) return false;
    }
    return true;
  }

  private problemsOf(message: M): Problem[] {
    const errors = validateSync(message, { forbidUnknownValues: false });
    return errors.flatMap((error) => problemsOf(error));
  }

  private checksOf(rule: RuleMetadata): Check[] {
    const { constraintCls, constraints, each, propertyName: property } = rule;
    const targetName = this.type.name;
    return getMetadataStorage()
      .getTargetValidatorConstraints(constraintCls)
      .map((constraint) => {
        if (constraint.async) this.unprepared = true;
        const validator = constraint.instance;
        const check: Check = (value, object) =>
          validator.validate(value, { value, constraints, targetName, object, property }) === true;
        if (!each) return check;
        return (value, object) =>
          Array.isArray(value) ? value.every((item) => check(item, object)) : check(value, object);
      });
  }
}

type RuleMetadata = ReturnType<
  ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']
>[number];

/** Enough to mend a request by; a request with more is no honest mistake. */
const MAX_PROBLEMS = 20;
const SHOWN_CHARS = 100;

const unknownField = (name: string): Problem => {
  const field = name.slice(0, SHOWN_CHARS);
  return { field, problem: `unknown field ${field}`, code: 'VALIDATION_FAILED' };
};

function problemsOf({
  property,
  value,
  constraints = {},
  contexts = {},
  children = [],
}: ValidationError): Problem[] {
  const isMissing = value === undefined && children.length === 0;
  if (isMissing)
    return [{ field: property, problem: `${property} is missing`, code: 'VALIDATION_FAILED' }];
  const own = Object.entries(constraints).map(([rule, problem]) => {
    const context = (contexts as Record<string, { readonly code?: ErrorCode }>)[rule];
    return { field: property, problem, code: context?.code ?? 'VALIDATION_FAILED' } as const;
  });
  return [...own, ...children.flatMap(problemsOf)];
}

/** A size past its limit counts only when nothing else is wrong: that is what is to be mended first. */
function refusalOf(name: string, problems: readonly Problem[]): Refusal {
  const code = problems.every((problem) => problem.code === 'PAYLOAD_TOO_LARGE')
    ? 'PAYLOAD_TOO_LARGE'
    : 'VALIDATION_FAILED';
  return new Refusal(
    code,
    `${name} refused: ${problems.map(({ problem }) => problem).join('; ')}.`,
    {
      field: problems[0]?.field,
      problems: problems.map(({ field, problem }) => ({ field, problem })),
    },
  );
}
