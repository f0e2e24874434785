import type { Package } from './publish-packages.mjs';

export const CHUNK_BYTES: number;
export const PACKAGES: readonly (Package & { readonly bytes: number })[];
export const KNOWN: readonly string[];

export function generatePackages(
  folder: string,
  packages?: readonly { readonly name: string; readonly bytes: number }[],
): Promise<void>;

export function servePackages(
  folder: string,
  options?: { readonly breakChunk?: string },
): Promise<{ readonly url: string; close(): Promise<void> }>;
