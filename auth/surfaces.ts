import { BearerError } from "../shared/bearer/bearer-error.ts";
import { renderChallenge } from "../shared/bearer/challenge.ts";
import type { HttpFault, Reply, ReplyHeaders, Surface } from "../shared/http/exchange.ts";
import { noteRefusal } from "./audit.ts";
import { OAuthError, type OAuthErrorCode } from "./oauth-error.ts";
import { errorPage } from "./pages/error.ts";

/** How auth's endpoints treat requests and faults: machines get RFC 6749 §5.2 JSON, people get a page. */

const NO_STORE: ReplyHeaders = { "cache-control": "no-store", pragma: "no-cache" };

export function json(status: number, value: unknown, headers: ReplyHeaders = NO_STORE): Reply {
  return { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(value) };
}

/** Discovery, token, revocation, userinfo. */
export const oauthSurface: Surface = {
  name: "oauth",
  bodyLimit: 64 * 1024,
  origin: "open",
  host: "checked",
  renderFault: (fault, exchange, { config }) => {
    noteRefusal(exchange, fault.cause);
    if (fault.cause instanceof BearerError) {
      const error = fault.cause.code === "missing" ? undefined : ("invalid_token" as const);
      const challenge = renderChallenge({
        publicUrl: config.publicUrl,
        resourcePath: "/mcp",
        scopes: ["openid"],
        ...(error ? { error } : {}),
      });
      // RFC 6750 §3.1: without a token there is no error to name.
      const body = error ? oauthFault(401, error, fault.cause.message) : json(401, {});
      return withHeaders(body, { "www-authenticate": challenge });
    }
    if (fault.cause instanceof OAuthError) {
      const reply = oauthFault(fault.cause.code === "invalid_client" ? 401 : 400, fault.cause.code, fault.cause.message);
      // RFC 6749 §5.2: a client that tried the Authorization header is told which scheme to use.
      if (fault.cause.code !== "invalid_client" || exchange.header("authorization") === undefined) return reply;
      return withHeaders(reply, { "www-authenticate": 'Basic realm="portico"' });
    }
    return oauthFault(fault.status, codeOf(fault), fault.message, fault.retryAfter);
  },
};

/** Dynamic client registration: the same form, with a body limit of its own. */
export const registrationSurface: Surface = { ...oauthSurface, name: "registration", bodyLimit: 16 * 1024 };

/** Pages that a person navigates to, from anywhere. */
export const pageSurface: Surface = {
  name: "page",
  bodyLimit: 64 * 1024,
  origin: "open",
  host: "checked",
  renderFault: (fault, exchange) => {
    noteRefusal(exchange, fault.cause);
    const known = fault.cause instanceof OAuthError ? { status: 400, message: fault.cause.message } : fault;
    const page = errorPage({ status: known.status, title: titleOf(known.status), message: known.message, requestId: exchange.id });
    return fault.retryAfter === undefined ? page : withHeaders(page, { "retry-after": String(fault.retryAfter) });
  },
};

/** The pages of a sign-in under way and the forms on them: no other site may read or post them. */
export const formSurface: Surface = { ...pageSurface, name: "form", origin: "same" };

function oauthFault(status: number, error: OAuthErrorCode, description: string, retryAfter?: number): Reply {
  // RFC 6749 §5.2 allows printable ASCII without quotation mark and backslash.
  const safe = description.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "'");
  const headers = retryAfter === undefined ? NO_STORE : { ...NO_STORE, "retry-after": String(retryAfter) };
  return json(status, { error, error_description: safe }, headers);
}

function codeOf(fault: HttpFault): OAuthErrorCode {
  if (fault.status === 503 || fault.status === 429) return "temporarily_unavailable";
  return fault.status >= 500 ? "server_error" : "invalid_request";
}

function titleOf(status: number): string {
  if (status === 404) return "There is nothing here";
  if (status === 429) return "Too many attempts";
  if (status === 503) return "Not available right now";
  return status >= 500 ? "Something went wrong" : "This request cannot go on";
}

function withHeaders(reply: Reply, headers: ReplyHeaders): Reply {
  return { ...reply, headers: { ...reply.headers, ...headers } };
}
