import { type ServiceError } from '@grpc/grpc-js';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AppendError, type AppendFault } from '../fault-settings.js';
import { type WriteResult } from '../store/event-store.js';
import { fromFault } from './errors.js';

/** How a write ended for the one who sent it. */
export type WriteAnswer =
  | WriteResult
  | { readonly outcome: 'silence' }
  | { readonly outcome: 'refused'; readonly error: AppendError }
  | { readonly outcome: 'failed'; readonly error: ServiceError };

/** Carries a write out, or not, as the fault that it met says. */
export async function writeUnder(
  fault: AppendFault | undefined,
  write: () => Promise<WriteResult>,
): Promise<WriteAnswer> {
  if (!fault) return write();
  switch (fault.kind) {
    case 'drop':
      return { outcome: 'silence' };
    case 'lose-answer':
      await write();
      return { outcome: 'silence' };
    case 'delay':
      await sleep(fault.milliseconds, undefined, { ref: false });
      return write();
    case 'delay-answer': {
      const result = await write();
      await sleep(fault.milliseconds, undefined, { ref: false });
      return result;
    }
    case 'refuse':
      if (fault.written) await write();
      return { outcome: 'refused', error: fault.error };
    case 'fail':
      if (fault.written) await write();
      return { outcome: 'failed', error: fromFault(fault) };
  }
}
