import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import pb from '@eventstore/db-client/generated/streams_pb.js';
import { encodeAppend, type AppendRequest } from './append-request.js';

const event = (data: string, metadata = '{}') => ({
  id: randomUUID(),
  type: 'ProgressUpdated',
  contentType: 'application/json' as const,
  data: Buffer.from(data),
  metadata: Buffer.from(metadata),
});

const request = (given: Partial<AppendRequest> = {}): AppendRequest => ({
  correlationId: randomUUID(),
  stream: 'taskmanager.täsk',
  expected: 'any',
  deadline: 1_700_000_000_999,
  events: [event('{}')],
  ...given,
});

/** As the definitions of the client read it. */
const read = (given: AppendRequest) =>
  [...encodeAppend(given)].map((part) => pb.BatchAppendReq.deserializeBinary(part));

describe('A request to append', () => {
  it('is read by the definitions of the protocol as what was meant', () => {
    const events = [event('{"n":"größer"}', '{"a":1}'), event('', '\u001e')];
    const given = request({ events });
    const [part, ...more] = read(given);
    expect(more).toEqual([]);
    expect(part?.getCorrelationId()?.getString()).toBe(given.correlationId);
    expect(part?.getIsFinal()).toBe(true);
    const options = part?.getOptions();
    const name = options?.getStreamIdentifier()?.getStreamName_asU8() ?? [];
    expect(Buffer.from(name).toString()).toBe(given.stream);
    expect(options?.getDeadline()?.getSeconds()).toBe(1_700_000_000);
    const messages = part?.getProposedMessagesList().map((message) => ({
      id: message.getId()?.getString(),
      type: message.getMetadataMap().get('type'),
      contentType: message.getMetadataMap().get('content-type'),
      data: Buffer.from(message.getData_asU8()),
      metadata: Buffer.from(message.getCustomMetadata_asU8()),
    }));
    expect(messages).toEqual(events);
  });

  it.each([0n, 1n, 127n, 128n, 300n, 2n ** 31n, 2n ** 32n, 2n ** 53n - 1n])(
    'names revision %d exactly',
    (expected) => {
      const [part] = read(request({ expected }));
      expect(part?.getOptions()?.getStreamPosition()).toBe(String(expected));
    },
  );

  it('says what else the stream may have to be', () => {
    const saying = (expected: AppendRequest['expected']) => {
      const options = read(request({ expected }))[0]?.getOptions();
      return [options?.hasNoStream(), options?.hasAny(), options?.hasStreamExists()];
    };
    expect(saying('no_stream')).toEqual([true, false, false]);
    expect(saying('any')).toEqual([false, true, false]);
    expect(saying('stream_exists')).toEqual([false, false, true]);
    expect(saying(0n)).toEqual([false, false, false]);
  });

  it('goes in parts when it is long, the last of which says so', () => {
    const events = Array.from({ length: 5 }, (_, n) => event(String(n).repeat(2 ** 20)));
    const given = request({ events });
    const parts = read(given);
    expect(parts.map((part) => part.getIsFinal())).toEqual([false, false, true]);
    expect(parts.map((part) => part.hasOptions())).toEqual([true, false, false]);
    expect(parts.map((part) => part.getCorrelationId()?.getString())).toEqual(
      parts.map(() => given.correlationId),
    );
    const ids = parts.flatMap((part) =>
      part.getProposedMessagesList().map((message) => message.getId()?.getString()),
    );
    expect(ids).toEqual(events.map(({ id }) => id));
  });
});
