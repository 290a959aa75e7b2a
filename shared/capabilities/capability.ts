import type { z } from "zod";
import type { Log } from "../log.ts";
import type { Entry, Page } from "../state/store.ts";
import type { Scope } from "./scopes.ts";

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

/** What `run` is given besides its input. */
export interface Context {
  /** Absent only for a public capability called without a token. */
  readonly caller: Caller | undefined;
  /** Records of one kind that belong to the caller. @throws {CapabilityError} `forbidden` without a caller. */
  records<T>(name: string, codec: z.ZodType<T>): OwnRecords<T>;
  /** Aborts when the call is cancelled or its time is up. */
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly log: Log;
}

/** A capability as its author writes it. */
export interface CapabilityDefinition<I extends z.ZodObject = z.ZodObject, O extends z.ZodObject = z.ZodObject> {
  /** `^[a-z][a-z0-9_]{0,63}$`: the MCP tool name, the operationId and the last part of the REST path. */
  readonly name: string;
  readonly title: string;
  /** At most 300 characters: GPT Actions refuse more. */
  readonly description: string;
  readonly scopes: Access;
  readonly effect: Effect;
  /** Calling it twice does no more than calling it once. Reads always are. */
  readonly idempotent?: boolean;
  /** Each member described. Members it does not name are refused. A read's are scalars or lists of them: REST puts them in the query. */
  readonly input: I;
  readonly output: O;
  /** Another last part of the REST path that answers as well; same pattern as the name. */
  readonly path?: string;
  /** @throws {CapabilityError} for every outcome the caller should know of. */
  run(input: z.output<I>, context: Context): Promise<z.input<O>> | z.input<O>;
}

/** A JSON Schema 2020-12 whose root is an object. */
export type ObjectSchema = { readonly type: "object"; readonly [keyword: string]: unknown };

/** A capability ready to be called: checked, its schemas compiled once. */
export interface Capability {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly access: Access;
  readonly effect: Effect;
  readonly idempotent: boolean;
  readonly path: string | undefined;
  readonly inputSchema: ObjectSchema;
  readonly outputSchema: ObjectSchema;
  /**
   * Checks access and input, runs, checks output.
   * @throws {CapabilityError} `unauthenticated`, `insufficient_scope`, `invalid_input` (with `faults`), what `run`
   *   throws, or `internal` when the output does not fit its schema (logged with the path, never with the data).
   */
  call(input: unknown, context: Context): Promise<Record<string, unknown>>;
}

export type CapabilityErrorCode =
  | "unauthenticated"
  | "insufficient_scope"
  | "forbidden"
  | "invalid_input"
  | "not_found"
  | "conflict"
  | "rate_limited"
  | "unavailable"
  | "internal";

/** One thing wrong with an input. `field` is a JSON path without the leading `$.`; "" is the input itself. */
export interface InputFault {
  readonly field: string;
  readonly message: string;
}

export interface CapabilityErrorDetails {
  readonly faults?: readonly InputFault[];
  readonly scopes?: readonly string[];
  readonly retryAfter?: number;
}

/** An outcome the caller should know of. Each adapter has one table that turns the code into its protocol. */
export class CapabilityError extends Error {
  override readonly name = "CapabilityError";
  readonly code: CapabilityErrorCode;
  readonly faults: readonly InputFault[];
  /** Every scope the operation needs, with `insufficient_scope`. */
  readonly scopes: readonly string[];
  /** Seconds after which a call may be tried again, with `rate_limited` and `unavailable`. */
  readonly retryAfter: number | undefined;

  constructor(code: CapabilityErrorCode, message: string, details: CapabilityErrorDetails = {}) {
    super(message);
    this.code = code;
    this.faults = details.faults ?? [];
    this.scopes = details.scopes ?? [];
    this.retryAfter = details.retryAfter;
  }
}

/** Names a definition's types; the registry checks it. */
export function defineCapability<I extends z.ZodObject, O extends z.ZodObject>(
  definition: CapabilityDefinition<I, O>,
): CapabilityDefinition<I, O> {
  return definition;
}
