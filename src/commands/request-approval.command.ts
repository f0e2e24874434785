import { type Json, LIMITS, type OnApproved } from '@taskmanager/protocol';
import { ArrayMaxSize, IsArray, IsBoolean, IsIn, IsInt, Max, Min } from 'class-validator';
import { HasLength, IsDuration, IsPayload, IsText, IsTime, Optional } from './fields.js';
import { RunnerCommand } from './task-command.js';

/** Asks for a yes before the task goes on. */
export class RequestApproval extends RunnerCommand {
  static readonly message = 'request_approval';

  /** Actor ids or `role:<name>`; none means anyone. */
  @Optional()
  @IsArray()
  @ArrayMaxSize(LIMITS.approvers)
  @HasLength(1, LIMITS.actorIdLength, { each: true })
  readonly approvers?: readonly string[];

  @Optional()
  @IsInt()
  @Min(1)
  @Max(LIMITS.approvers)
  readonly quorum?: number;

  /** Whether the one who asks may vote. */
  @Optional()
  @IsBoolean()
  readonly allowSelf?: boolean;

  @Optional()
  @IsTime()
  readonly dueAt?: number;

  /** How often those who have not answered are told again. */
  @Optional()
  @IsDuration(1_000)
  readonly remindEveryMs?: number;

  /** Who may answer too once escalateAfterMs have passed without an answer; the one needs the other. */
  @Optional()
  @IsArray()
  @ArrayMaxSize(LIMITS.approvers)
  @HasLength(1, LIMITS.actorIdLength, { each: true })
  readonly escalateTo?: readonly string[];

  @Optional()
  @IsDuration(1_000)
  readonly escalateAfterMs?: number;

  @Optional()
  @IsIn(['resume', 'complete'])
  readonly onApproved?: OnApproved;

  /** What the task completes with when onApproved is `complete`. */
  @Optional()
  @IsPayload()
  readonly result?: Json;

  @Optional()
  @IsText()
  readonly comment?: string;
}
