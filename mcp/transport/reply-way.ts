import type { Awaitable } from "../../shared/awaitable.ts";
import type { Reply } from "../../shared/http/exchange.ts";
import type { Dialect } from "../protocol/era.ts";
import { createSessions, type Session } from "../sessions/sessions.ts";
import type { Arrival } from "./arrival.ts";
import { isPrimed, openReplyStream, type ReplyStream } from "./reply-stream.ts";
import { JSON_HEADERS } from "./surface.ts";
import type { ReplyWay } from "./way.ts";

/**
 * Milliseconds after which a call that has said nothing becomes a stream: heartbeats keep proxies from cutting it, and a
 * legacy client can come back for its answer.
 */
const PATIENCE = 2_000;

export interface ReplyWayOptions {
  /** "never" for what must be answered in one piece, "only" for what has no other answer than a stream. */
  readonly stream: "never" | "possible" | "only";
  /** Called when the calls of this way turn out to take long. */
  readonly onSlow: () => void;
  /** Renders what the work threw as the body of a reply. */
  readonly renderFailure: (error: unknown) => Reply;
}

/** The way of a POST: one reply, which becomes a stream only when there is something to say before the answer. */
export function createReplyWay(arrival: Arrival, dialect: Dialect, options: ReplyWayOptions): ReplyWay {
  return new PostWay(arrival, dialect, options);
}

/** A class, because every call has one and hardly any needs more of it than its place. */
class PostWay implements ReplyWay {
  readonly #arrival: Arrival;
  readonly #dialect: Dialect;
  readonly #options: ReplyWayOptions;
  /** Whether there may still be a stream: what is said too late must not open one that nobody was given. */
  #possible: boolean;
  #stream: ReplyStream | undefined;
  /** Called when the stream has begun. */
  #begun: (() => void) | undefined;
  #begunSession: string | undefined;
  #controller: AbortController | undefined;
  #ending: AbortController | undefined;

  constructor(arrival: Arrival, dialect: Dialect, options: ReplyWayOptions) {
    this.#arrival = arrival;
    this.#dialect = dialect;
    this.#options = options;
    this.#possible = options.stream !== "never" && acceptsStream(arrival.exchange.header("accept"));
  }

  get isStream() {
    return this.#stream !== undefined;
  }

  get signal() {
    if (!this.#controller) {
      const controller = new AbortController();
      this.#controller = controller;
      if (this.#dialect.era === "modern") {
        const { signal } = this.#arrival.exchange;
        if (signal.aborted) controller.abort();
        else signal.addEventListener("abort", () => controller.abort(), { once: true });
      }
    }
    return this.#controller.signal;
  }

  get ending() {
    this.#ending ??= new AbortController();
    if (this.#stream?.isEnding) this.#ending.abort();
    return this.#ending.signal;
  }

  send(message: string, onLost?: () => void) {
    this.#startStream();
    if (!this.#possible) return false;
    this.#stream?.say(message, onLost);
    return true;
  }

  releaseConnection(retry: number) {
    if (!isPrimed(this.#arrival, this.#dialect)) return;
    this.#startStream();
    this.#stream?.release(retry);
  }

  cancel() {
    this.#controller ??= new AbortController();
    this.#controller.abort();
  }

  async beginSession(given: Pick<Session, "revision" | "features">) {
    const { caller, service } = this.#arrival;
    if (caller) this.#begunSession = (await service.part(createSessions).begin(caller, given)).id;
  }

  headers() {
    return this.#begunSession === undefined ? JSON_HEADERS : { ...JSON_HEADERS, "mcp-session-id": this.#begunSession };
  }

  reply(work: Awaitable<Reply>) {
    if (work instanceof Promise || this.#stream) return this.#replyLater(Promise.resolve(work));
    this.#possible = false;
    return work;
  }

  #startStream(): void {
    if (this.#stream || !this.#possible) return;
    this.#stream = openReplyStream(this.#arrival, this.#dialect, {
      cancel: () => this.cancel(),
      ending: () => this.#ending?.abort(),
    });
    this.#options.onSlow();
    this.#begun?.();
  }

  async #replyLater(work: Promise<Reply>): Promise<Reply> {
    await this.#settledOrStreaming(work);
    if (!this.#stream) {
      this.#possible = false;
      return work;
    }
    const { exchange, service } = this.#arrival;
    try {
      const reply = await this.#stream.opened;
      this.#stream
        .finish(work.catch(this.#options.renderFailure))
        .catch((cause: unknown) => service.log.error({ request: exchange.id, err: cause }, "a stream could not be finished"));
      return reply;
    } catch (error) {
      if (this.#options.stream === "only") {
        this.cancel();
        throw error;
      }
      // Too many streams, or the store is away: what it had to say is lost, its answer is not.
      service.log.warn({ request: exchange.id, cause: String(error) }, "a call goes on without a stream");
      this.#possible = false;
      this.#stream.giveUp();
      return work;
    }
  }

  /** Resolves when the work is done, or the reply has become a stream: at the latest when our patience is at its end. */
  #settledOrStreaming(work: Promise<Reply>): Promise<void> {
    return new Promise((resolve) => {
      const patience = this.#possible ? setTimeout(() => this.#startStream(), PATIENCE).unref() : undefined;
      const settle = () => {
        clearTimeout(patience);
        resolve();
      };
      this.#begun = settle;
      work.then(settle, settle);
      if (this.#stream) settle();
    });
  }
}

/** Clients must accept both; what names neither is taken for one that forgot. */
export function acceptsStream(accept: string | undefined): boolean {
  return accept === undefined || /text\/event-stream|text\/\*|\*\/\*/i.test(accept);
}
