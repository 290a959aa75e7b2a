import { BearerError } from "../../shared/bearer/bearer-error.ts";
import { renderChallenge } from "../../shared/bearer/challenge.ts";
import { CapabilityError } from "../../shared/capabilities/capability.ts";
import type { Exchange, HttpFault, Reply, Surface } from "../../shared/http/exchange.ts";
import type { Service } from "../../shared/service.ts";
import { McpError, renderingOf } from "../protocol/errors.ts";
import { type RequestId, renderError } from "../protocol/json-rpc.ts";
import type { Era } from "../protocol/revisions.ts";

export const JSON_HEADERS = { "content-type": "application/json" };

/** What `/mcp` checks before its handler, and how it says what went wrong. */
export const mcpSurface: Surface = { name: "mcp", bodyLimit: 4 * 1024 * 1024, origin: "checked", host: "checked", renderFault };

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
  if (cause instanceof BearerError) return unauthorized(cause, exchange, service);
  if (cause instanceof CapabilityError && cause.code === "insufficient_scope") return forbidden(cause, exchange, service);
  if (cause instanceof McpError) return errorReply(cause, "modern", undefined);
  if (status === 500) return { ...errorReply(new McpError("internal", message, { requestId: exchange.id }), "modern", undefined), status };
  return plain(status, message, exchange, retryAfter === undefined ? {} : { "retry-after": String(retryAfter) });
}

/** RFC 6750 §3.1: `error` only when a token was presented. */
function unauthorized(error: BearerError, exchange: Exchange, { config, capabilities }: Service): Reply {
  const challenge = renderChallenge({
    publicUrl: config.publicUrl,
    resourcePath: exchange.path,
    scopes: [...new Set([...IDENTITY_SCOPES, ...capabilities.scopes])],
    ...(error.code === "invalid" ? { error: "invalid_token", description: error.message } : {}),
  });
  return plain(401, error.message, exchange, { "www-authenticate": challenge });
}

/** MCP 2026-07-28 basic/authorization §insufficient-scope: every scope the operation needs. */
function forbidden(error: CapabilityError, exchange: Exchange, { config }: Service): Reply {
  const challenge = renderChallenge({
    publicUrl: config.publicUrl,
    resourcePath: exchange.path,
    scopes: error.scopes,
    error: "insufficient_scope",
    description: error.message,
  });
  return plain(403, error.message, exchange, { "www-authenticate": challenge });
}

function plain(status: number, message: string, exchange: Exchange, headers: Readonly<Record<string, string>>): Reply {
  return { status, headers: { ...JSON_HEADERS, ...headers }, body: JSON.stringify({ error: message, requestId: exchange.id }) };
}
