/** What the metadata of a stream says about which of its events are seen. */
export interface StreamMetadata {
  readonly maxCount?: number;
  /** Seconds. */
  readonly maxAge?: number;
  readonly truncateBefore?: number;
}

/** Server: the metadata of stream `s` is the last event of stream `$$s` (SystemStreams). */
export const metastreamOf = (stream: string): string => `$$${stream}`;
export const isMetastream = (stream: string): boolean => stream.startsWith('$$');
export const originalOf = (metastream: string): string => metastream.slice(2);

/** Server: of a metadata stream only the last event is seen (IndexReader). */
export const METASTREAM_METADATA: StreamMetadata = { maxCount: 1 };

/** Server: a stream is deleted by $tb at the highest revision; its events come back no more (IsSoftDeleted). */
export const isSoftDeleted = ({ truncateBefore }: StreamMetadata): boolean =>
  truncateBefore !== undefined && truncateBefore >= 2 ** 63;

/** Server: metadata that is no JSON object counts as none (StreamMetadata.TryFromJsonBytes). */
export function parseMetadata(data: Uint8Array): StreamMetadata {
  const fields = metadataFields(data);
  const number = (name: string): number | undefined => {
    const value = fields[name];
    return typeof value === 'number' ? value : undefined;
  };
  return {
    maxCount: number('$maxCount'),
    maxAge: number('$maxAge'),
    truncateBefore: number('$tb'),
  };
}

/** The same metadata with another $tb, as the server writes it when it deletes or revives a stream. */
export function withTruncateBefore(data: Uint8Array | undefined, revision: bigint): Uint8Array {
  const fields = Object.entries(data ? metadataFields(data) : {});
  const others = JSON.stringify(
    Object.fromEntries(fields.filter(([name]) => name !== '$tb')),
  ).slice(1, -1);
  // Written by hand: the highest revision is no number that JSON.stringify can write.
  return Buffer.from(`{"$tb":${revision}${others ? `,${others}` : ''}}`);
}

function metadataFields(data: Uint8Array): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(data).toString('utf8'));
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}
