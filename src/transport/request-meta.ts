import { LIMITS, isPosition, type RequestMeta } from '@taskmanager/protocol';
import {
  IsBoolean,
  IsOptional,
  IsString,
  IsUUID,
  MaxLength,
  MinLength,
  ValidateBy,
} from 'class-validator';

const MAX_ROLES = 32;
const ID_LENGTH = 256;

const isText = (value: unknown, max: number): boolean =>
  typeof value === 'string' && value.length > 0 && value.length <= max;

function isActor(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { id, roles = [], ...others } = value as { id?: unknown; roles?: unknown };
  return (
    isText(id, LIMITS.actorIdLength) &&
    Array.isArray(roles) &&
    roles.length <= MAX_ROLES &&
    roles.every((role) => isText(role, LIMITS.actorIdLength)) &&
    Object.keys(others).length === 0
  );
}

const rule = (name: string, message: string, validate: (value: unknown) => boolean) =>
  ValidateBy({ name, validator: { validate, defaultMessage: () => `$property ${message}` } });

/** What stands beside the fields of every request, as it came over the wire. */
export class Meta implements RequestMeta {
  static readonly message = 'meta';

  @IsOptional()
  @IsString()
  @MaxLength(4_096)
  readonly token?: string;

  @IsOptional()
  @rule('isActor', 'must be { id, roles? } with a text and a list of texts', isActor)
  readonly actor?: { readonly id: string; readonly roles?: readonly string[] };

  @IsOptional()
  @IsUUID()
  readonly commandId?: string;

  @IsOptional()
  @IsString()
  @MinLength(1)
  @MaxLength(ID_LENGTH)
  readonly correlationId?: string;

  @IsOptional()
  @IsString()
  @MinLength(1)
  @MaxLength(ID_LENGTH)
  readonly causationId?: string;

  @IsOptional()
  @IsBoolean()
  readonly retry?: boolean;

  @IsOptional()
  @rule('isPosition', 'must be a position as an answer gave it', isPosition)
  readonly after?: string;
}
