export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** Says of each event whether it may happen: `burst` at once, and `perSecond` more with every second. */
export function createAllowance({ burst, perSecond }: Rate, clock: () => number): () => boolean {
  let left = burst;
  let since = clock();
  return () => {
    const now = clock();
    left = Math.min(burst, left + ((now - since) / 1000) * perSecond);
    since = now;
    if (left < 1) return false;
    left -= 1;
    return true;
  };
}
