import type { Awaitable } from "../../shared/awaitable.ts";
import type { Asker } from "../../shared/capabilities/ask.ts";
import type { Caller } from "../../shared/capabilities/capability.ts";
import type { CallOrigin } from "../../shared/capabilities/context.ts";
import type { Service } from "../../shared/service.ts";
import type { ClientFeatures } from "../protocol/client-features.ts";
import type { Params, RequestId } from "../protocol/json-rpc.ts";
import type { Era } from "../protocol/revisions.ts";
import type { OpenSession, Session } from "../sessions/sessions.ts";

/** One request of the protocol, free of how it arrived. */
export interface Call {
  readonly era: Era;
  readonly revision: string;
  readonly id: RequestId;
  readonly params: Params;
  /** Absent only where the configuration lets strangers in. */
  readonly caller: Caller | undefined;
  /** Of the client's machine, as far as it can be told. */
  readonly address: string;
  readonly service: Service;
  /** What the client said it can do: in this request's envelope, or when its session began. */
  readonly client: ClientFeatures;
  /** Of legacy clients that have one. */
  readonly session: OpenSession | undefined;
  /** The HTTP request's id, and a signal that aborts when the call is cancelled by the rules of its era. */
  readonly origin: CallOrigin;
  /** Aborts when a call that lasts as long as its stream should end in good order. */
  readonly ending: AbortSignal;
  /** How questions reach the client. Modern calls that take answers make their own (asking/rounds.ts). */
  readonly asker: Asker;
  /** A header of the HTTP request, by its lower-case name. */
  header(name: string): string | undefined;
  /** Sends a notification on the request's own stream; nothing where there can be none. */
  notify(method: string, params: Params): void;
  /** Lets the connection go; the client resumes after `retry` milliseconds. Nothing where it cannot. */
  releaseConnection(retry: number): void;
  /** Begins the session of a legacy client; nothing for a caller who is nobody. */
  beginSession(given: Pick<Session, "revision" | "features">): Promise<void>;
  /** Adds fields to the request's log line. */
  note(fields: Readonly<Record<string, unknown>>): void;
}

/**
 * Answers a call with a result of its era, as JSON text: what never changes is rendered once and kept.
 * @throws {McpError} for every outcome that is no result.
 */
export type MethodHandler = (call: Call) => Awaitable<string | Buffer>;
