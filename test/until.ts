/** Waits for a condition, with a limit: nothing in a test sleeps for luck. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what = condition.toString(),
  ms = 20_000,
): Promise<void> {
  const limit = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > limit) throw new Error(`Not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
