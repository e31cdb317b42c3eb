// How long to wait before the next attempt.

const FIRST_MS = 500;
const LONGEST_MS = 5000;

/** Doubles with each attempt, up to five seconds; spread, so that clients do not come at once. */
export function pause_ms(attempt) {
  const pause = Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt);
  return pause * (0.75 + 0.5 * Math.random());
}
