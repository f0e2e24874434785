/** Those who look at something now and then; a ring makes them look at once. */
export class Doorbell {
  private readonly listening = new Set<() => void>();

  ring(): void {
    for (const wake of [...this.listening]) wake();
  }

  /** Resolves after so many milliseconds, when it rings, or when the signal fires. */
  wait(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.listening.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, ms).unref();
      this.listening.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}
