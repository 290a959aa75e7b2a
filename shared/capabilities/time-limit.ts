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
  if (limit === Number.POSITIVE_INFINITY) {
    const result = work(outer);
    return isPromise(result) ? Promise.resolve(result) : result;
  }
  const timed = new TimedContext(outer, limit);
  const result = work(timed);
  return isPromise(result) ? inTime(timed, result) : result;
}

function inTime<T>(timed: TimedContext, result: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    timed.start(reject);
    result.then(
      (value) => {
        timed.stop();
        resolve(value);
      },
      (error) => {
        timed.stop();
        reject(error);
      },
    );
  });
}

/** The context of work whose time is limited. A class with accessors, because every call makes one and asks for little of it. */
class TimedContext implements Context {
  readonly #outer: Context;
  /** Milliseconds that are left while the clock stands still. */
  #left: number;
  #startedAt = 0;
  /** Questions whose answers the work waits for. */
  #questions = 0;
  #timer: NodeJS.Timeout | undefined;
  #fail: ((error: CapabilityError) => void) | undefined;
  #late: CapabilityError | undefined;
  #controller: AbortController | undefined;
  #ask: Ask | undefined;

  constructor(outer: Context, limit: number) {
    this.#outer = outer;
    this.#left = limit;
  }

  /** @param fail Called when the time is up. */
  start(fail: (error: CapabilityError) => void): void {
    this.#fail = fail;
    if (this.#questions === 0) this.#run();
  }

  stop(): void {
    this.#fail = undefined;
    clearTimeout(this.#timer);
  }

  get caller() {
    return this.#outer.caller;
  }

  get records() {
    return this.#outer.records;
  }

  get now() {
    return this.#outer.now;
  }

  get progress() {
    return this.#outer.progress;
  }

  get clientLog() {
    return this.#outer.clientLog;
  }

  get trace() {
    return this.#outer.trace;
  }

  get releaseConnection() {
    return this.#outer.releaseConnection;
  }

  get log() {
    return this.#outer.log;
  }

  get signal() {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#late) this.#controller.abort(this.#late);
      else follow(this.#outer.signal, this.#controller);
    }
    return this.#controller.signal;
  }

  get ask() {
    this.#ask ??= waitingAsk(this.#outer.ask, (question) => this.#waitFor(question));
    return this.#ask;
  }

  #run(): void {
    this.#startedAt = performance.now();
    this.#timer = setTimeout(() => this.#end(), Math.max(this.#left, 1));
  }

  #pause(): void {
    clearTimeout(this.#timer);
    this.#left -= performance.now() - this.#startedAt;
  }

  #end(): void {
    this.#late = new CapabilityError("timed_out", "It took longer than it may.");
    this.#controller?.abort(this.#late);
    this.#fail?.(this.#late);
  }

  #waitFor<A>(question: Promise<A>): Promise<A> {
    const answer = this.#answered(question);
    // The work need not wait for what it asked.
    answer.catch(() => {});
    return answer;
  }

  async #answered<A>(question: Promise<A>): Promise<A> {
    if (this.#questions++ === 0 && this.#fail) this.#pause();
    try {
      return await question;
    } finally {
      if (--this.#questions === 0 && this.#fail) this.#run();
    }
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
