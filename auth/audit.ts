import { BearerError } from "../shared/bearer/bearer-error.ts";
import { type Exchange, HttpError } from "../shared/http/exchange.ts";
import type { Service } from "../shared/service.ts";
import { OAuthError } from "./oauth-error.ts";

/** Every event of security there is a line for. */
export type AuditEvent =
  | "sign_in"
  | "sign_in_failed"
  | "sign_out"
  | "consent"
  | "consent_denied"
  | "issue"
  | "refresh"
  | "refresh_replayed"
  | "reuse"
  | "revoke"
  | "registration"
  | "refusal"
  | "client_changed"
  | "key_changed"
  | "subject_changed";

/** Who, with which client, and why. Never a secret, token, code or e-mail address. */
export interface AuditFields {
  readonly client?: string;
  /** A `sub`. */
  readonly subject?: string;
  /** One word or an error's code: what a search looks for. */
  readonly reason?: string;
  /** A grant's id. It is in access tokens and opens nothing. */
  readonly grant?: string;
  readonly grantType?: string;
  readonly scopes?: readonly string[];
  readonly resource?: string;
  /** How the client proved itself. */
  readonly method?: string;
  /** A signing key's id. */
  readonly key?: string;
  /** Where the person signed in. */
  readonly provider?: string;
}

/** Where an event belongs: the request that brought it about. */
export type Trail = Pick<Exchange, "id" | "note">;

/** What a stranger sent is cut to this many characters. */
const MAX_TEXT = 300;
const ALARMS: ReadonlySet<AuditEvent> = new Set(["reuse", "refresh_replayed", "sign_in_failed", "refusal"]);

/**
 * One line a security event: "audit", with the request's id, so that the line of the request and its audit lines are
 * found together. Client and subject are noted on the request's own line as well.
 */
export function audit({ log }: Pick<Service, "log">, exchange: Trail, event: AuditEvent, fields: AuditFields): void {
  const { client, subject } = fields;
  if (client !== undefined) exchange.note({ client: cut(client) });
  if (subject !== undefined) exchange.note({ subject: cut(subject) });
  const line: Record<string, unknown> = { event, request: exchange.id };
  for (const [name, value] of Object.entries(fields)) line[name] = safe(value);
  if (ALARMS.has(event)) log.warn(line, "audit");
  else log.info(line, "audit");
}

/** Why a request was refused, on its own line: what its answer says, without what its sender may have put there. */
export function noteRefusal(exchange: Pick<Exchange, "note">, error: unknown): void {
  if (error instanceof OAuthError) exchange.note({ outcome: error.code, detail: unrevealing(error.message) });
  else if (error instanceof HttpError || error instanceof BearerError) exchange.note({ detail: unrevealing(error.message) });
}

/** As long as a token or a secret: what is repeated in a message may be one, in the wrong parameter. */
const LONG = /[A-Za-z0-9_.~+/=-]{32,}/g;

function unrevealing(text: string): string {
  return cut(text).replace(LONG, "…");
}

function safe(value: unknown): unknown {
  return typeof value === "string" ? cut(value) : value;
}

/** What looks like an e-mail address is blanked: a client may call itself, or its scope, by one. */
function cut(text: string): string {
  if (!text.includes("@")) return text.slice(0, MAX_TEXT);
  return text.slice(0, MAX_TEXT).replace(/[^\s"'<>(),:;/?#@]+@[^\s"'<>(),:;/?#@]+\.[^\s"'<>(),:;/?#@]+/g, "[address]");
}
