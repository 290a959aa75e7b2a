import { BearerError } from "../../shared/bearer/bearer-error.ts";
import type { Service } from "../../shared/service.ts";

/** Ends what outlives its request when its token or its grant is no more. */
export interface CallerWatch {
  /**
   * Calls `onEnd` once when the token in `authorization` is not good any more, looked at every {@link INTERVAL}, until
   * `until` aborts. While the store cannot be reached nothing is known, and nothing ends. A stranger has no token, and is not watched.
   */
  watch(authorization: string | undefined, onEnd: () => void, until: AbortSignal): void;
}

/** Milliseconds. Added to the age of what the verifier remembers, it is the time in which a revocation ends what is open. */
const INTERVAL = 2_000;

interface Watched {
  readonly authorization: string;
  readonly onEnd: () => void;
}

/** One timer for all streams of the process; what is known of a grant is cached by the verifier. */
export function createCallerWatch({ bearer, log }: Service): CallerWatch {
  const all = new Set<Watched>();
  let timer: NodeJS.Timeout | undefined;

  async function look(watched: Watched): Promise<void> {
    try {
      await bearer.verify(watched.authorization, "mcp");
    } catch (error) {
      if (!(error instanceof BearerError)) return log.warn({ cause: String(error) }, "an open stream cannot be re-checked");
      all.delete(watched);
      watched.onEnd();
    }
  }

  return {
    watch(authorization, onEnd, until) {
      if (authorization === undefined) return;
      const watched = { authorization, onEnd };
      all.add(watched);
      until.addEventListener("abort", () => {
        all.delete(watched);
        if (all.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      });
      timer ??= setInterval(() => {
        for (const one of all) void look(one);
      }, INTERVAL).unref();
    },
  };
}
