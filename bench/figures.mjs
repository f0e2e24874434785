export const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** The value that a part of all, 0 to 1, does not exceed. */
export const quantile = (values, part) =>
  [...values].sort((a, b) => a - b)[Math.ceil(values.length * part) - 1];

export const perSecond = (count, ms) => (count / ms) * 1000;

/** `12345.6` → `12,346`. */
export const whole = (value) => Math.round(value).toLocaleString('en-US');

/** Prints one result line: what, its absolute figures, and the ratio beside what was asked for. */
export function report(what, figures, ratio, bound) {
  const verdict = bound === undefined ? '' : `   (${bound.text}: ${bound.met ? 'met' : 'MISSED'})`;
  const shown = ratio === undefined ? '' : `   ratio ${ratio.toFixed(2)}`;
  console.log(`${what.padEnd(34)} ${figures}${shown}${verdict}`);
}

export const atLeast = (ratio, bound) => ({ text: `at least ${bound}`, met: ratio >= bound });
export const atMost = (ratio, bound, unit = '') => ({
  text: `at most ${bound}${unit}`,
  met: ratio <= bound,
});
