import type { Ask } from "./ask.ts";
import { CapabilityError, type Context } from "./capability.ts";

/**
 * Does work that must not take longer than `limit` milliseconds, not counting the time in which it waits for answers to
 * its questions. Its signal aborts when the outer one does and when the time is up. Work that does not heed it is left
 * behind: what it gives later is dropped.
 *
 * The members of `outer` are used without their object.
 * @param limit Infinity is none.
 * @throws {CapabilityError} `timed_out`, and what the work throws.
 */
export function withTimeLimit<T>(limit: number, outer: Context, work: (context: Context) => Promise<T> | T): Promise<T> | T {
  if (limit === Number.POSITIVE_INFINITY) return work(outer);
  let left = limit;
  let startedAt = 0;
  let questions = 0;
  let timer: NodeJS.Timeout | undefined;
  let fail: ((error: CapabilityError) => void) | undefined;
  let late: CapabilityError | undefined;
  let controller: AbortController | undefined;

  const run = () => {
    startedAt = performance.now();
    timer = setTimeout(end, Math.max(left, 1));
  };
  const pause = () => {
    clearTimeout(timer);
    left -= performance.now() - startedAt;
  };
  const end = () => {
    late = new CapabilityError("timed_out", "It took longer than it may.");
    controller?.abort(late);
    fail?.(late);
  };
  const answered = async <A>(question: Promise<A>): Promise<A> => {
    if (questions++ === 0 && fail) pause();
    try {
      return await question;
    } finally {
      if (--questions === 0 && fail) run();
    }
  };
  const waitFor = <A>(question: Promise<A>): Promise<A> => {
    const answer = answered(question);
    // The work need not wait for what it asked.
    answer.catch(() => {});
    return answer;
  };

  const signal = () => {
    if (!controller) {
      controller = new AbortController();
      if (late) controller.abort(late);
      else follow(outer.signal, controller);
    }
    return controller.signal;
  };

  const result = work(new TimedContext(outer, signal, () => waitingAsk(outer.ask, waitFor)));
  if (!isPromise(result)) return result;

  return new Promise<T>((resolve, reject) => {
    fail = reject;
    if (questions === 0) run();
    const settle = () => {
      fail = undefined;
      clearTimeout(timer);
    };
    result.then(
      (value) => {
        settle();
        resolve(value);
      },
      (error) => {
        settle();
        reject(error);
      },
    );
  });
}

/** A class, because a literal with accessors takes twenty times as long to make, and every call makes one. */
class TimedContext implements Context {
  readonly caller: Context["caller"];
  readonly records: Context["records"];
  readonly now: Context["now"];
  readonly progress: Context["progress"];
  readonly clientLog: Context["clientLog"];
  readonly trace: Context["trace"];
  readonly releaseConnection: Context["releaseConnection"];
  readonly #outer: Context;
  readonly #signal: () => AbortSignal;
  readonly #makeAsk: () => Ask;
  #ask: Ask | undefined;

  constructor(outer: Context, signal: () => AbortSignal, makeAsk: () => Ask) {
    this.caller = outer.caller;
    this.records = outer.records;
    this.now = outer.now;
    this.progress = outer.progress;
    this.clientLog = outer.clientLog;
    this.trace = outer.trace;
    this.releaseConnection = outer.releaseConnection;
    this.#outer = outer;
    this.#signal = signal;
    this.#makeAsk = makeAsk;
  }

  get log() {
    return this.#outer.log;
  }

  get signal() {
    return this.#signal();
  }

  get ask() {
    this.#ask ??= this.#makeAsk();
    return this.#ask;
  }
}

function isPromise<T>(result: Promise<T> | T): result is Promise<T> {
  return typeof (result as { readonly then?: unknown } | undefined)?.then === "function";
}

function follow(signal: AbortSignal, controller: AbortController): void {
  if (signal.aborted) controller.abort(signal.reason);
  else signal.addEventListener("abort", () => controller.abort(signal.reason), { once: true });
}

function waitingAsk(ask: Ask, waitFor: <A>(question: Promise<A>) => Promise<A>): Ask {
  return {
    supports: ask.supports,
    form: (key, message, fields) => waitFor(ask.form(key, message, fields)),
    url: (key, message, url) => waitFor(ask.url(key, message, url)),
    sample: (key, request) => waitFor(ask.sample(key, request)),
    roots: (key) => waitFor(ask.roots(key)),
  };
}
