import type { Awaitable } from "../awaitable.ts";
import type { Config } from "../config.ts";
import type { Service } from "../service.ts";

/** What a handler gets: a request, free of the host it arrived on. Made by `serve`. */
export interface Exchange {
  /** This request's id: in its log line, in every error and in the `x-request-id` response header. */
  readonly id: string;
  readonly method: string;
  /** As sent, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The client's address, past the configured number of trusted proxies. */
  readonly address: string;
  /** The host the client named, with its port if it named one. */
  readonly host: string;
  /** True when the client, the host it named and every hop between are this machine. */
  readonly loopback: boolean;
  /** Aborts when the client goes away before it has its reply (never signalled under Encore). */
  readonly signal: AbortSignal;
  /** A header by its lower-case name; repeated ones are joined with ", ". */
  header(name: string): string | undefined;
  /** The whole body. @throws {HttpError} 413 above the surface's limit. */
  body(): Promise<Buffer>;
  /** Adds fields to the request's log line. Never a secret, token, code or e-mail address. */
  note(fields: Readonly<Record<string, unknown>>): void;
}

/**
 * Text or bytes; in pieces what is large and was rendered beforehand, so that on Node it is neither encoded nor copied
 * again. Each piece of text in bytes is whole UTF-8.
 */
export type ReplyBody = string | Buffer | Pieces;
type Pieces = readonly (string | Buffer)[];

export function isInPieces(body: ReplyBody): body is Pieces {
  return Array.isArray(body);
}

/** The text of a body. */
export function textOf(body: ReplyBody): string {
  return isInPieces(body) ? body.join("") : String(body);
}

export type ReplyHeaders = Readonly<Record<string, string | readonly string[]>>;

/** What a handler returns. Header names are lower case (Encore's rule). */
export interface Reply {
  readonly status: number;
  readonly headers?: ReplyHeaders;
  readonly body?: ReplyBody;
  /** Instead of `body`: called once the headers are on their way. The reply ends with `sink.end()`. */
  readonly stream?: (sink: Sink) => void;
}

/** The open end of a streamed reply. */
export interface Sink {
  /** Sends a piece. False when the reader is slow: see `pending`. */
  write(piece: string): boolean;
  /** Bytes accepted but not yet taken by the network. */
  pending(): number;
  /** Ends after what was written. A stream still open two seconds after the service began to stop ends by itself. */
  end(): void;
  /** Ends at once: what the network did not take is lost. Under Encore the gateway may hold the connection open. */
  drop(): void;
  /** Aborts when the stream is over, whoever ended it. */
  readonly signal: AbortSignal;
}

export type Handler = (exchange: Exchange, service: Service) => Awaitable<Reply>;

/** How a family of endpoints treats its requests and renders what its handlers throw. */
export interface Surface {
  readonly name: string;
  /** Bytes. */
  readonly bodyLimit: number | ((config: Config) => number);
  /** "checked": a present Origin must be allowed. "same": it must be ours. "open": anyone's page may call. */
  readonly origin: "checked" | "same" | "open";
  /** "checked": Host must name this service. "open": for health probes. */
  readonly host: "checked" | "open";
  /** Turns a fault into this surface's protocol. */
  renderFault(fault: HttpFault, exchange: Exchange, service: Service): Reply;
}

/** Any fault, classified for a surface's table. */
export interface HttpFault {
  readonly status: number;
  /** Says what is wrong to whoever called; never a secret. */
  readonly message: string;
  /** What was thrown. */
  readonly cause: unknown;
  /** Seconds. */
  readonly retryAfter?: number;
}

/** A fault of HTTP itself (size, host, origin, method), the same on every surface. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;
  readonly headers: ReplyHeaders;

  /** @param options `cause` stays in the log. */
  constructor(status: number, message: string, headers: ReplyHeaders = {}, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
    this.headers = headers;
  }
}
