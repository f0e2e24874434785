/** Calls `action` when the signal fires, at most until `done` has settled; a signal may outlive many calls. */
export function onAbort(
  signal: AbortSignal | undefined,
  action: () => void,
  done: Promise<unknown>,
): void {
  if (!signal) return;
  const unwatch = () => signal.removeEventListener('abort', action);
  signal.addEventListener('abort', action);
  done.then(unwatch, unwatch);
}
