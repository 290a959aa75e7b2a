import { type IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Cors } from "./cors.mts";
import type { Endpoint } from "./endpoints.mts";
import { METHODS } from "./paths.mts";
import type { Router } from "./router.mts";

/** What stands before the endpoints on every host: liveness, CORS, preflight, routing, as Encore's gateway does it. */
export interface Gateway {
  /** The endpoint that must answer, its reply already dressed for CORS; nothing when the gateway has answered. */
  admit(request: IncomingMessage, response: GatewayResponse): Endpoint | undefined;
}

const METHOD_NAMES: ReadonlySet<string> = new Set(METHODS);
const HEALTH = { code: "ok", message: "Portico is up and running.", details: { checks: [] } };

export function createGateway(router: Router, cors: Cors): Gateway {
  return {
    admit(request, response) {
      const { method = "GET", url = "/" } = request;
      const path = pathOf(url);
      if (path === "/__encore/healthz") {
        answerJson(response, 200, HEALTH, {});
        return undefined;
      }
      const headers = cors.headersFor(request);
      if (method === "OPTIONS") {
        response.writeHead(200, { ...headers, "content-length": "0" }).end();
        return undefined;
      }
      if (!METHOD_NAMES.has(method)) {
        answerFault(response, 400, "invalid_argument", "invalid method", headers);
        return undefined;
      }
      const route = router.find(method, path);
      if ("fault" in route) {
        answerFault(response, 404, "not_found", route.fault, headers);
        return undefined;
      }
      response.addHeaders(headers);
      return route.endpoint;
    },
  };
}

/** Answers in the form Encore gives its own errors. */
export function answerFault(
  response: ServerResponse,
  status: number,
  code: "invalid_argument" | "not_found" | "internal",
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  answerJson(response, status, { code, message, details: null }, { ...headers, "cache-control": "private, no-store" });
}

/** The path of a request target, which a proxy may send as a whole URL (RFC 9112 §3.2.2). */
function pathOf(target: string): string {
  const queryAt = target.indexOf("?");
  const withoutQuery = queryAt < 0 ? target : target.slice(0, queryAt);
  return withoutQuery.startsWith("/") ? withoutQuery : (URL.parse(target)?.pathname ?? "/");
}

function answerJson(response: ServerResponse, status: number, value: unknown, headers: Readonly<Record<string, string>>): void {
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { ...headers, "content-type": "application/json", "content-length": body.length }).end(body);
}

const NOTHING: Readonly<Record<string, string>> = Object.freeze({});

/** A response to which the gateway adds what is its own. */
export class GatewayResponse extends ServerResponse {
  #added = NOTHING;

  /**
   * Adds headers when the reply is written: `vary` joins the endpoint's own, and anything else that the endpoint also
   * sets is sent twice, as the gateway would.
   */
  addHeaders(headers: Readonly<Record<string, string>>): void {
    this.#added = headers;
  }

  override writeHead(
    status: number,
    reason?: string | OutgoingHttpHeaders | OutgoingHttpHeader[],
    headers?: OutgoingHttpHeaders | OutgoingHttpHeader[],
  ): this {
    const given = headersGiven(typeof reason === "string" ? headers : reason);
    const hasOthers = this.getHeaderNames().length > 0;
    for (const name in this.#added) {
      const value = this.#added[name] ?? "";
      const before = given[name] ?? (hasOthers ? this.getHeader(name) : undefined);
      given[name] = before === undefined ? value : [...[before].flat().map(String), value];
    }
    return typeof reason === "string" ? super.writeHead(status, reason, given) : super.writeHead(status, given);
  }
}

/** The headers of a `writeHead` call, from a list of names and values or an object; endpoints write names in lower case. */
function headersGiven(argument: unknown): OutgoingHttpHeaders {
  if (!Array.isArray(argument)) return { ...(argument as OutgoingHttpHeaders | undefined) };
  const headers: OutgoingHttpHeaders = {};
  for (let at = 0; at + 1 < argument.length; at += 2) {
    const name = String(argument[at]).toLowerCase();
    headers[name] = headers[name] === undefined ? argument[at + 1] : [...[headers[name]].flat().map(String), String(argument[at + 1])];
  }
  return headers;
}
