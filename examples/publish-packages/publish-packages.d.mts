import type { TaskManager } from '@taskmanager/client';

export interface Package {
  readonly name: string;
  readonly version: string;
  readonly dependencies: readonly string[];
}

export interface PublishOptions {
  readonly packages: readonly Package[];
  readonly known?: readonly string[];
  readonly source: string;
  readonly folder: string;
  readonly appName?: string;
  readonly onProgress?: (completed: number, total: number, message: string) => void;
  readonly onWaiting?: (taskId: string) => void;
}

export interface Outcome {
  readonly taskId: string;
  readonly status: string;
  readonly result?: unknown;
  readonly error?: string;
}

export function publishPackages(client: TaskManager, options: PublishOptions): Promise<Outcome>;
