import { HttpError } from "../../shared/http/exchange.ts";

/**
 * How many calls each person has under way in this process. A legacy call goes on when its connection is gone, so that
 * no bound on connections or streams bounds them.
 */
export interface Load {
  /** Strangers cannot be told apart. @throws {HttpError} 429 when that would be more calls than there may be. */
  add(subject: string | undefined, calls: number): void;
  remove(subject: string | undefined, calls: number): void;
}

const MOST_CALLS = 500;
/** Seconds. */
const RETRY_AFTER = { "retry-after": "5" };

export function createLoad(): Load {
  const counts = new Map<string | undefined, number>();
  return {
    add(subject, calls) {
      const count = (counts.get(subject) ?? 0) + calls;
      if (count > MOST_CALLS) throw new HttpError(429, `${MOST_CALLS} calls of yours are under way, and no more are allowed.`, RETRY_AFTER);
      counts.set(subject, count);
    },
    remove(subject, calls) {
      const left = (counts.get(subject) ?? 0) - calls;
      if (left > 0) counts.set(subject, left);
      else counts.delete(subject);
    },
  };
}
