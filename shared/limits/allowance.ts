import { LRUCache } from "lru-cache";

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

/** Allowances that are kept at once; each is a small record. */
const MOST = 10_000;

/** The same for each of many, by a name: `burst` at once, and `perSecond` more with every second. Of this process alone. */
export function createAllowances(rate: Rate, clock: () => number): (name: string) => boolean {
  const allowances = new LRUCache<string, () => boolean>({ max: MOST });
  return (name) => {
    let allows = allowances.get(name);
    if (!allows) {
      allows = createAllowance(rate, clock);
      allowances.set(name, allows);
    }
    return allows();
  };
}
