import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { type FaultStatus, type Leader } from '../fault-settings.js';
import { type ExpectedRevision, expectedVersionNumber } from '../store/expected-revision.js';

/** Server: clients tell errors apart by the trailer `exception`, and read the rest of it from others (RpcExceptions). */
function refusal(
  code: status,
  details: string,
  trailers: Readonly<Record<string, string>> = {},
): ServiceError {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(trailers)) metadata.set(key, value);
  return Object.assign(new Error(details), { code, details, metadata });
}

export const streamDeleted = (stream: string): ServiceError =>
  refusal(status.FAILED_PRECONDITION, `Stream ${stream} is tombstoned`, {
    exception: 'stream-deleted',
    'stream-name': stream,
  });

/** `actual` is -1n for a stream without events; the trailer is empty then. */
export const wrongExpectedVersion = (
  stream: string,
  expected: ExpectedRevision,
  actual: bigint,
): ServiceError =>
  refusal(status.FAILED_PRECONDITION, `Stream ${stream} is not at the expected revision`, {
    exception: 'wrong-expected-version',
    'stream-name': stream,
    'expected-version': String(expectedVersionNumber(expected)),
    'actual-version': actual < 0n ? '' : String(actual),
  });

export const notLeader = ({ host, port }: Leader): ServiceError =>
  refusal(status.NOT_FOUND, `The leader is ${host}:${port}`, {
    exception: 'not-leader',
    'leader-endpoint-host': host,
    'leader-endpoint-port': String(port),
  });

export const maximumAppendSizeExceeded = (bytes: number): ServiceError =>
  refusal(status.INVALID_ARGUMENT, `An append has at most ${bytes} bytes`, {
    exception: 'maximum-append-size-exceeded',
    'maximum-append-size': String(bytes),
  });

export const missingMetadata = (...properties: string[]): ServiceError =>
  refusal(status.INVALID_ARGUMENT, `An event needs ${properties.join(' and ')}`, {
    exception: 'missing-required-metadata-property',
    'required-metadata-properties': properties.join(','),
  });

export const accessDenied = (): ServiceError =>
  refusal(status.PERMISSION_DENIED, 'Access denied', { exception: 'access-denied' });

export const invalidArgument = (details: string): ServiceError =>
  refusal(status.INVALID_ARGUMENT, details);

/** Server: what the node did not get done in time is ABORTED, not DEADLINE_EXCEEDED (RpcExceptions.Timeout). */
export const timedOut = (): ServiceError => refusal(status.ABORTED, 'The operation timed out');

export const notReady = (): ServiceError => refusal(status.UNAVAILABLE, 'Server is not ready');

export const unknown = (): ServiceError => refusal(status.UNKNOWN, 'Unknown error');

export const fromFault = ({ status: name, details, trailers }: FaultStatus): ServiceError =>
  refusal(status[name], details ?? `Fault: ${name}`, trailers);
