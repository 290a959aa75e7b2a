import { BearerError } from "../../shared/bearer/bearer-error.ts";
import { type Challenge, renderChallenge } from "../../shared/bearer/challenge.ts";
import type { CapabilityError } from "../../shared/capabilities/capability.ts";
import type { Exchange, HttpFault, Reply, Surface } from "../../shared/http/exchange.ts";
import type { Service } from "../../shared/service.ts";
import { renderSignInNeeded } from "../methods/tools.ts";
import { McpError, renderingOf } from "../protocol/errors.ts";
import { type RequestId, type RpcRequest, renderError, renderResponse } from "../protocol/json-rpc.ts";
import type { Era } from "../protocol/revisions.ts";
import type { Arrival } from "./arrival.ts";

/** Where HTTP+SSE clients post to. */
export const MESSAGES_PATH = "/messages";
/** For clients that were given the service's origin as its address. */
const ORIGIN_PATH = "/";

export const JSON_HEADERS = { "content-type": "application/json" };

/** What `/mcp` checks before its handler, and how it says what went wrong. */
export const mcpSurface: Surface = { name: "mcp", bodyLimit: ({ mcp }) => mcp.bodyLimit, origin: "checked", host: "checked", renderFault };

/** A protocol error as an HTTP reply. */
export function errorReply(error: McpError, era: Era, id: RequestId | undefined): Reply {
  return { status: renderingOf(error.fault, era).status, headers: JSON_HEADERS, body: renderError(id, error, era) };
}

/** Asked for beside what the tools need, because clients ask for what a challenge names and nothing else. */
const IDENTITY_SCOPES = ["openid", "profile", "email"];

/**
 * Faults of HTTP and of authorization have no JSON-RPC code, so their bodies are no JSON-RPC: a client of both eras must
 * read nothing about the server's era into them.
 */
function renderFault({ status, message, cause, retryAfter }: HttpFault, exchange: Exchange, service: Service): Reply {
  if (cause instanceof BearerError) {
    return plain(401, cause.message, exchange, { "www-authenticate": signInChallenge(cause, exchange, service) });
  }
  if (cause instanceof McpError) {
    exchange.note({ outcome: cause.fault });
    return errorReply(cause, "modern", undefined);
  }
  if (status === 500) return { ...errorReply(new McpError("internal", message, { requestId: exchange.id }), "modern", undefined), status };
  return plain(status, message, exchange, retryAfter === undefined ? {} : { "retry-after": String(retryAfter) });
}

/**
 * What a call lacks: a sign-in (401) or scopes (403). HTTP says so to clients that look there; a tool's result says it
 * again to those that look into results.
 */
export function scopeReply(error: CapabilityError, { id, method }: RpcRequest, era: Era, { exchange, service }: Arrival): Reply {
  exchange.note({ outcome: error.code });
  const stranger = error.code === "unauthenticated";
  const status = stranger ? 401 : 403;
  const scopes = stranger ? service.derived(challengeScopes) : error.scopes;
  // Results name an error in any case: clients that look there want one (OpenAI Apps SDK, authentication).
  const shown = challengeOf(exchange, service, { scopes, error: "insufficient_scope", description: error.message });
  const headers = { "www-authenticate": stranger ? signInChallenge(undefined, exchange, service) : shown };
  if (method !== "tools/call") return plain(status, error.message, exchange, headers);
  const body = renderResponse(id, renderSignInNeeded(era, error.message, shown));
  return { status, headers: { ...JSON_HEADERS, ...headers }, body };
}

/** RFC 6750 §3.1: `error` only when a token was presented. */
function signInChallenge(error: BearerError | undefined, exchange: Exchange, service: Service): string {
  const presented = error?.code === "invalid" ? ({ error: "invalid_token", description: error.message } as const) : {};
  return challengeOf(exchange, service, { scopes: service.derived(challengeScopes), ...presented });
}

function challengeScopes({ registry }: Service): readonly string[] {
  return [...new Set([...IDENTITY_SCOPES, ...registry.catalog.scopes])];
}

function challengeOf(exchange: Exchange, { config }: Service, details: Omit<Challenge, "publicUrl" | "resourcePath">): string {
  return renderChallenge({ publicUrl: config.publicUrl, resourcePath: resourcePathOf(exchange), ...details });
}

/** The resource whose metadata a client needs: messages belong to the stream they are answered on. */
function resourcePathOf({ path }: Exchange): string {
  if (path === MESSAGES_PATH) return "/sse";
  return path === ORIGIN_PATH ? "" : path;
}

/** Whether a client can come back to its stream with a GET: at the origin that is a page for people. */
export function isResumable({ path }: Exchange): boolean {
  return path !== ORIGIN_PATH;
}

function plain(status: number, message: string, exchange: Exchange, headers: Readonly<Record<string, string>>): Reply {
  return { status, headers: { ...JSON_HEADERS, ...headers }, body: JSON.stringify({ error: message, requestId: exchange.id }) };
}
