import type { Awaitable } from "../../shared/awaitable.ts";
import type { Reply } from "../../shared/http/exchange.ts";
import type { Session } from "../sessions/sessions.ts";

/** The way back to the client of one POST, for what its calls say before they are done. */
export interface Way {
  /** Aborts when the calls are cancelled by the rules of their era. */
  readonly signal: AbortSignal;
  /** Aborts when what lasts as long as its stream should end in good order. */
  readonly ending: AbortSignal;
  /**
   * Sends a message. False when there is no way for it.
   * @param onLost Called when it turns out later that there is none.
   */
  send(message: string, onLost?: () => void): boolean;
  /** Lets the connection go; the client comes back after `retry` milliseconds. Nothing where it cannot. */
  releaseConnection(retry: number): void;
  /** Stops the calls. */
  cancel(): void;
  /** Begins the session of a client that said who it is; nothing for a stranger, who has none. */
  beginSession(given: Pick<Session, "revision" | "features">): Promise<void>;
}

/** The way of a POST that is itself answered. */
export interface ReplyWay extends Way {
  /** Whether the reply has become a stream, so that HTTP has nothing more to say. */
  readonly isStream: boolean;
  /** Of a reply that is no stream: it names the session that has begun. */
  headers(): Readonly<Record<string, string>>;
  /**
   * The reply to the POST: what `work` gives, or a stream that ends with it, when there was something to say before or
   * the work takes long.
   */
  reply(work: Awaitable<Reply>): Awaitable<Reply>;
}
