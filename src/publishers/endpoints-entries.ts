import { EVENT_TYPE_OF_FEED, LIMITS, TASK_TYPE_PATTERN } from '@taskmanager/protocol';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsString,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
} from 'class-validator';
import { Optional, rule } from '../context/message-fields.js';

/** What may stand in the endpoints file: every size is bounded. No message shows a value. */
export const ENDPOINT_NAME = /^[a-z][a-z0-9_-]{0,63}$/;
/** Bytes of the file. */
export const MAX_FILE_BYTES = 1024 * 1024;
export const MAX_WEBHOOKS = 100;
export const MAX_APPROVERS = 1_000;
export const MAX_ENDPOINTS_OF_APPROVER = 10;
const MAX_FILTERS = 100;
const MAX_URL = 2_048;

/** Standard Webhooks: a key of 24 to 64 bytes, in base64, behind `whsec_`. */
const SECRET = /^whsec_([A-Za-z0-9+/]+={0,2})$/;
export const isSecret = (text: string): boolean => {
  const [, base64 = ''] = SECRET.exec(text) ?? [];
  const { length } = Buffer.from(base64, 'base64');
  return base64.length % 4 === 0 && length >= 24 && length <= 64;
};
export const SECRET_RULE = 'must be whsec_ and a key of 24 to 64 bytes in base64';

function isDecodable(text: string): boolean {
  try {
    return decodeURIComponent(text) !== undefined;
  } catch {
    return false;
  }
}

const IsSecret = () =>
  rule('isSecret', SECRET_RULE, (value) => typeof value === 'string' && isSecret(value));
/** `log` is the channel of those who have no endpoint. */
const IsNotTaken = () => rule('isNotTaken', "must not be 'log'", (value) => value !== 'log');
const IsHttpUrl = () =>
  rule('isHttpUrl', 'must be an http or https URL', (value) => {
    if (typeof value !== 'string' || !URL.canParse(value)) return false;
    const { protocol, username, password } = new URL(value);
    return ['http:', 'https:'].includes(protocol) && isDecodable(username + password);
  });

/** One entry of `webhooks`. */
export class WebhookEntry {
  @Matches(ENDPOINT_NAME)
  @IsNotTaken()
  readonly name: string;

  @MaxLength(MAX_URL)
  @IsHttpUrl()
  readonly url: string;

  @Optional()
  @IsSecret()
  readonly secret?: string;

  /** Path of a file with the secret; relative to the endpoints file. */
  @Optional()
  @IsString()
  @Length(1, 4_096)
  readonly secretFile?: string;

  @Optional()
  @IsArray()
  @ArrayMaxSize(EVENT_TYPE_OF_FEED.size)
  @IsIn([...EVENT_TYPE_OF_FEED.keys()], { each: true })
  readonly events?: readonly string[];

  @Optional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_FILTERS)
  @Matches(TASK_TYPE_PATTERN, { each: true })
  readonly taskTypes?: readonly string[];

  @Optional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_FILTERS)
  @Length(1, LIMITS.appNameLength, { each: true })
  readonly appNames?: readonly string[];

  @Optional()
  @IsInt()
  @Min(100)
  @Max(60_000)
  readonly timeoutMs?: number;

  @Optional()
  @IsInt()
  @Min(1)
  @Max(1_000)
  readonly attempts?: number;

  @Optional()
  @IsBoolean()
  readonly allowPrivateRedirects?: boolean;
}
