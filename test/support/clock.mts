/** A clock that a test moves. It starts now, so that what real time makes (certificates, cookies) still fits. */
export interface TestClock {
  /** Milliseconds since the epoch. */
  (): number;
  /** @param milliseconds To move on by. */
  advance(milliseconds: number): void;
}

export function createClock(): TestClock {
  let offset = 0;
  const start = Date.now();
  return Object.assign(() => start + offset, {
    advance(milliseconds: number) {
      offset += milliseconds;
    },
  });
}

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
