import { ACTIONS_PATH } from "../shared/bearer/audience.ts";
import { BearerError } from "../shared/bearer/bearer-error.ts";
import { type Challenge, renderChallenge } from "../shared/bearer/challenge.ts";
import { CapabilityError, type CapabilityErrorCode } from "../shared/capabilities/capability.ts";
import { type Exchange, HttpError, type HttpFault, type Reply, type Surface } from "../shared/http/exchange.ts";
import { renderProblem } from "../shared/http/problem.ts";
import type { Service } from "../shared/service.ts";

/** Characters that ChatGPT sends and takes in one message. */
export const MAX_CHARACTERS = 100_000;

/** Milliseconds for a call: ChatGPT gives up after 45 seconds, and an answer takes its way. */
export const PATIENCE = 40_000;

const STATUS_OF: Readonly<Record<CapabilityErrorCode, number>> = {
  unauthenticated: 401,
  insufficient_scope: 403,
  forbidden: 403,
  invalid_input: 400,
  not_found: 404,
  conflict: 409,
  // draft-ietf-httpapi-idempotency-key-header §2.7.
  key_reused: 422,
  rate_limited: 429,
  unavailable: 503,
  timed_out: 504,
  // Nothing in the request is wrong: it is the operation that cannot go on over REST.
  client_capability: 409,
  interaction_required: 409,
  internal: 500,
};

export function statusOf(code: CapabilityErrorCode): number {
  return STATUS_OF[code];
}

/** Seconds, when a capability asks to be tried again and does not say when. */
const RETRY_AFTER = 10;

/**
 * Operations. Any page may call them: nothing here reads a cookie, so that a foreign page has only what it holds itself,
 * a token. Rebinding another name to this service is stopped by the Host check.
 */
export const operationSurface: Surface = {
  name: "actions",
  // A character takes at most four bytes.
  bodyLimit: 4 * MAX_CHARACTERS,
  origin: "open",
  host: "checked",
  renderFault,
};

/** What anyone may read: the health probe names the service by its address, and no answer depends on who asks. */
export const openSurface: Surface = { name: "open", bodyLimit: 1_000, origin: "open", host: "open", renderFault };

/** @throws {HttpError} 405 with `allow` (RFC 9110 §15.5.6). */
export function requireMethod(exchange: Exchange, allowed: readonly string[]): void {
  if (allowed.includes(exchange.method)) return;
  throw new HttpError(405, `Use ${allowed.join(" or ")} here.`, { allow: allowed.join(", ") });
}

/** The one table from faults to problem documents. */
function renderFault({ status, message, cause, retryAfter }: HttpFault, exchange: Exchange, service: Service): Reply {
  const problem = { status, detail: message, requestId: exchange.id, retryAfter };
  if (cause instanceof BearerError) {
    const scopes = service.registry.catalog.operationScopes;
    const presented = cause.code === "invalid" ? ({ error: "invalid_token", description: cause.message } as const) : {};
    return renderProblem({ ...problem, status: 401, detail: cause.message }, challenge(service, { scopes, ...presented }));
  }
  if (cause instanceof CapabilityError) return renderCapabilityError(cause, exchange, service);
  return renderProblem({ ...problem, retryAfter: retryAfter ?? (mayRetry(status) ? RETRY_AFTER : undefined) });
}

function renderCapabilityError(
  { code, message, faults, scopes, retryAfter }: CapabilityError,
  exchange: Exchange,
  service: Service,
): Reply {
  const status = statusOf(code);
  const problem = {
    status,
    detail: message,
    requestId: exchange.id,
    retryAfter: retryAfter ?? (mayRetry(status) ? RETRY_AFTER : undefined),
    faults: faults.length > 0 ? faults : undefined,
  };
  if (code === "unauthenticated") return renderProblem(problem, challenge(service, { scopes: service.registry.catalog.operationScopes }));
  // RFC 6750 §3.1: only here would another token help; any other 403 is final.
  if (code === "insufficient_scope") return renderProblem(problem, challenge(service, { scopes, error: code, description: message }));
  return renderProblem(problem);
}

function mayRetry(status: number): boolean {
  return status === 429 || status === 503;
}

function challenge({ config }: Service, details: Omit<Challenge, "publicUrl" | "resourcePath">) {
  return { "www-authenticate": renderChallenge({ publicUrl: config.publicUrl, resourcePath: ACTIONS_PATH, ...details }) };
}
