import type { z } from "zod";
import type { Awaitable } from "../awaitable.ts";
import type { SurfaceName } from "../bearer/audience.ts";
import type { Log } from "../log.ts";
import type { Entry, Page } from "../state/store.ts";
import type { Ask, Interaction } from "./ask.ts";
import type { Answer, Checked, ObjectSchema, Outcome, Shape, Unchecked } from "./content.ts";
import type { Scope } from "./scopes.ts";
import type { InputFault } from "./shape-fault.ts";

/** Names of capabilities, prompts and questions. */
export const NAME = /^[a-z][a-z0-9_]{0,63}$/;

/** What a capability does to the world: MCP hints, the HTTP method and `x-openai-isConsequential` follow from it. */
export type Effect = "read" | "write" | "destructive";

/** Who may call: "public" is everyone, `[]` any signed-in person, a list those who were granted all of it. */
export type Access = "public" | readonly Scope[];

/** The person (or machine client) behind a call, as its access token and grant say. */
export interface Caller {
  readonly subject: string;
  readonly clientId: string;
  readonly scopes: ReadonlySet<string>;
  readonly grantId: string;
  /** The surface's audience, byte for byte as the token has it. */
  readonly audience: string;
  /** Seconds since the epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** When the person signed in; absent for a machine client. */
  readonly authTime?: number;
  /** What the grant knows of the person; absent for a machine client. */
  readonly profile?: Profile;
}

export interface Profile {
  readonly email?: string | undefined;
  readonly emailVerified?: boolean | undefined;
  readonly name?: string | undefined;
}

/** A capability's own records: its kind, the caller as owner, nothing else. Ids are the capability's to choose. */
export interface OwnRecords<T> {
  get(id: string): Promise<Entry<T> | undefined>;
  create(id: string, value: T): Promise<boolean>;
  replace(id: string, version: string, value: T): Promise<boolean>;
  take(id: string): Promise<Entry<T> | undefined>;
  list(cursor?: string, limit?: number): Promise<Page<T>>;
}

/** Severities of RFC 5424, as MCP names them. */
export const LOG_SEVERITIES = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"] as const;
export type LogSeverity = (typeof LOG_SEVERITIES)[number];

/** W3C Trace Context and Baggage of the request, as the client sent them. */
export interface Trace {
  readonly traceparent?: string;
  readonly tracestate?: string;
  readonly baggage?: string;
}

/** What `run` is given besides its input. Its members work without it; they are accessors, which `{ ...context }` leaves behind. */
export interface Context {
  /** Absent only for a public capability called without a token. */
  readonly caller: Caller | undefined;
  /** Records of one kind that belong to the caller. @throws {CapabilityError} `forbidden` without a caller. */
  records<T>(name: string, codec: z.ZodType<T>): OwnRecords<T>;
  /** Aborts when the call is cancelled or its time is up. */
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** The operators' log: never a secret, token, code or e-mail address. */
  readonly log: Log;
  /** Tells a client that wants to know how far the call is. What does not increase is left out. */
  progress(progress: number, total?: number, message?: string): void;
  /** Tells a client that wants to know what happens (`notifications/message`); it may show it to anyone. */
  clientLog(severity: LogSeverity, data: unknown, logger?: string): void;
  readonly ask: Ask;
  readonly trace: Trace;
  /**
   * For work that takes long: lets the client's connection go, where the client can come back for the answer
   * (SEP-1699); elsewhere nothing happens.
   * @param retry Milliseconds after which the client should come back.
   */
  releaseConnection(retry: number): void;
}

/**
 * For work that may outlive its request: MCP clients that know tasks get a handle instead of waiting, and so do GPT
 * Actions after a while. Durations are milliseconds.
 */
export interface LongRunning {
  /** "required": other MCP clients are refused, and GPT Actions get the handle at once. */
  readonly task: "optional" | "required";
  /** How long the task is kept, from its creation; the configured time when absent. */
  readonly ttl?: number;
  /** How often clients should ask for it. */
  readonly pollInterval?: number;
}

/**
 * How an answer that is longer than a client takes is cut: what is left out comes with the next call. The input has a
 * `cursor`, the output `next_cursor` and `note`, optional texts all three; the note says that something was cut.
 */
export type Paging<I extends Shape = Shape, O extends Shape = Shape> =
  | {
      /** The output's list whose last items are left out. */
      readonly list: string;
      /** The cursor behind the last item that is left, whose number in the answer is `kept`. */
      cursorAfter(kept: number, answer: Unchecked<O>, input: Checked<I>): string;
    }
  | {
      /** The output's text whose end is left out, at a line's or a word's end where there is one. */
      readonly text: string;
      /** @param kept The characters that are left: units of UTF-16. */
      cursorAfter(kept: number, answer: Unchecked<O>, input: Checked<I>): string;
    };

/** A capability as its author writes it. */
export interface CapabilityDefinition<I extends Shape = Shape, O extends Shape = Shape, P = unknown> {
  /** `^[a-z][a-z0-9_]{0,63}$`: the MCP tool name, the operationId and the last part of the REST path. */
  readonly name: string;
  readonly title: string;
  /** At most 300 characters: GPT Actions refuse more. */
  readonly description: string;
  readonly scopes: Access;
  readonly effect: Effect;
  /** Calling it twice does no more than calling it once. Reads always are. */
  readonly idempotent?: boolean;
  /** It reaches out to systems that are not this service's. */
  readonly openWorld?: boolean;
  /** Where it is offered; on both when absent. */
  readonly surfaces?: readonly SurfaceName[];
  /**
   * Each member described. Members it does not name are refused. Where a read's are all scalars or lists of them REST
   * has them in the query, otherwise in a body. A member's `.meta({ "x-mcp-header": "Region" })` has modern clients repeat it
   * in the header `Mcp-Param-Region`.
   */
  readonly input: I;
  /** Absent when it only shows content. */
  readonly output?: O;
  /** Another last part of the REST path that answers as well; same pattern as the name. */
  readonly path?: string;
  /** Names it had before: still answered on MCP and REST, and not shown. */
  readonly aliases?: readonly string[];
  /** For answers that can grow beyond what clients take. */
  readonly paging?: Paging<I, O>;
  readonly longRunning?: LongRunning;
  /** Milliseconds after which a call is ended; the configured time when absent. Waiting for answers does not count. */
  readonly timeLimit?: number;
  /** Answers to its questions count for one call and no more, whoever sends them again. */
  readonly singleUseAnswers?: boolean;
  /** Runs first, and before a task is made of the call: what must be asked to begin is asked here. */
  prepare?(input: Checked<I>, context: Context): Promise<P> | P;
  /** @throws {CapabilityError} for every outcome the caller should know of. */
  run(input: Checked<I>, context: Context, prepared: P): Promise<Unchecked<O> | Answer<Unchecked<O>>> | Unchecked<O> | Answer<Unchecked<O>>;
}

/** A member of an input that modern clients repeat in a header. */
export interface HeaderParameter {
  /** What follows `Mcp-Param-`, as declared. */
  readonly header: string;
  /** The way to the member from the root, by property names. */
  readonly path: readonly string[];
  readonly type: "string" | "integer" | "boolean";
}

/** A call whose access and input are checked and whose preparation is done. */
export interface Prepared {
  /**
   * Runs it and checks its output.
   * @throws {CapabilityError} what `run` throws, `timed_out`, or `internal` when the output does not fit its schema
   *   (logged with the path, never with the data).
   */
  run(context: Context): Promise<Outcome>;
}

/** A capability ready to be called: checked, its schemas compiled once. */
export interface Capability {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly access: Access;
  readonly effect: Effect;
  readonly idempotent: boolean;
  readonly openWorld: boolean;
  readonly surfaces: readonly SurfaceName[];
  readonly path: string | undefined;
  readonly aliases: readonly string[];
  readonly inputSchema: ObjectSchema;
  readonly outputSchema: ObjectSchema | undefined;
  readonly headerParameters: readonly HeaderParameter[];
  readonly longRunning: LongRunning | undefined;
  /** Milliseconds; a task's work may take longer. */
  readonly timeLimit: number;
  readonly singleUseAnswers: boolean;
  /**
   * Checks access and input, and prepares.
   * @param patience Milliseconds that whoever asked waits at most, where that is less than the capability's own limit.
   * @throws {CapabilityError} `unauthenticated`, `insufficient_scope`, `invalid_input` (with `faults`), what `prepare` throws.
   */
  prepare(input: unknown, context: Context, patience?: number): Promise<Prepared>;
  /** Prepares and runs, both within `patience`. @throws {CapabilityError} as both do. */
  call(input: unknown, context: Context, patience?: number): Awaitable<Outcome>;
  /**
   * A shorter form of an output it gave: below `most` characters as JSON.
   * @param input As it was given to the call.
   * @returns Nothing where the capability says no way to cut it, or that is not enough.
   */
  shorten(output: Readonly<Record<string, unknown>>, input: unknown, most: number): Readonly<Record<string, unknown>> | undefined;
}

export type CapabilityErrorCode =
  | "unauthenticated"
  | "insufficient_scope"
  | "forbidden"
  | "invalid_input"
  | "not_found"
  | "conflict"
  /** The idempotency key came with another input before. */
  | "key_reused"
  | "rate_limited"
  | "unavailable"
  /** The call took longer than it may. */
  | "timed_out"
  /** It asks a question that this client did not say it can answer; `interaction` says which. */
  | "client_capability"
  /** It asks a question where nobody can be asked. */
  | "interaction_required"
  | "internal";

export interface CapabilityErrorDetails {
  readonly faults?: readonly InputFault[];
  readonly scopes?: readonly string[];
  readonly retryAfter?: number;
  readonly interaction?: Interaction;
}

/** An outcome the caller should know of. Each adapter has one table that turns the code into its protocol. */
export class CapabilityError extends Error {
  override readonly name = "CapabilityError";
  readonly code: CapabilityErrorCode;
  readonly faults: readonly InputFault[];
  /** Every scope the operation needs, with `insufficient_scope`. */
  readonly scopes: readonly string[];
  /** Seconds after which a call may be tried again. */
  readonly retryAfter: number | undefined;
  /** What the client cannot do, with `client_capability`. */
  readonly interaction: Interaction | undefined;

  constructor(code: CapabilityErrorCode, message: string, details: CapabilityErrorDetails = {}) {
    super(message);
    this.code = code;
    this.faults = details.faults ?? [];
    this.scopes = details.scopes ?? [];
    this.retryAfter = details.retryAfter;
    this.interaction = details.interaction;
  }
}

/** Names a definition's types; the registry checks it. */
export function defineCapability<I extends Shape, O extends Shape, P>(
  definition: CapabilityDefinition<I, O, P>,
): CapabilityDefinition<I, O, P> {
  return definition;
}
