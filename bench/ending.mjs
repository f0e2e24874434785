/** What a benchmark started and must end, whether it comes to its end, breaks, or is interrupted (Ctrl-C). */

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 };

/**
 * Runs `work(own)`; `own(end)` registers what ends something. All of them run at the end, the last one
 * first and each to its end, and also when a signal comes: then the process exits.
 */
export async function withEndings(work) {
  const endings = [];
  let ending;
  const endAll = () =>
    (ending ??= (async () => {
      for (let end = endings.pop(); end; end = endings.pop()) {
        await Promise.resolve()
          .then(end)
          .catch((error) => console.error(error));
      }
    })());
  const interrupted = (signal) => void endAll().then(() => process.exit(EXIT_CODES[signal]));
  for (const signal of Object.keys(EXIT_CODES)) process.on(signal, interrupted);
  try {
    return await work((end) => void endings.push(end));
  } finally {
    await endAll();
    for (const signal of Object.keys(EXIT_CODES)) process.off(signal, interrupted);
  }
}
