import { type Awaitable, andThen } from "../../shared/awaitable.ts";
import type { Caller } from "../../shared/capabilities/capability.ts";
import { type Exchange, HttpError, type Reply } from "../../shared/http/exchange.ts";
import { isObject } from "../../shared/is-object.ts";
import type { Service } from "../../shared/service.ts";
import { claimsModernEra } from "../protocol/era.ts";
import { McpError } from "../protocol/errors.ts";
import { readProtocolHeaders } from "../protocol/headers.ts";
import { parseMessage } from "../protocol/json-rpc.ts";
import { namesModernEra } from "../protocol/revisions.ts";
import { createSessions, type OpenSession } from "../sessions/sessions.ts";
import { answerBatch } from "./batch.ts";
import { answerMessage } from "./message.ts";
import { openSessionStream } from "./session-stream.ts";

/** Streamable HTTP (MCP 2026-07-28 and 2025-11-25 basic/transports), both eras on one endpoint. */
export function handleMcp(exchange: Exchange, service: Service): Awaitable<Reply> {
  if (!KNOWN_METHODS.has(exchange.method)) throw notAllowed();
  return andThen(identify(exchange, service), (caller) =>
    exchange.method === "POST" ? handlePost(exchange, service, caller) : handleSession(exchange, service, caller),
  );
}

async function handleSession(exchange: Exchange, service: Service, caller: Caller | undefined): Promise<Reply> {
  // A stranger has no session, and so neither a stream of its own nor anything to end.
  if (!caller || exchange.method === "HEAD") throw notAllowed();
  const session = await service.part(createSessions).find(sessionIdOf(exchange), caller);
  if (exchange.method === "GET") return openSessionStream(exchange, service, caller, session);
  await service.part(createSessions).end(session);
  return { status: 204 };
}

/**
 * Methods that have had a meaning in some revision, or with which clients look for a challenge: whoever has no token is
 * told so first. Any other method is wrong with or without a token.
 */
const KNOWN_METHODS: ReadonlySet<string> = new Set(["POST", "GET", "HEAD", "DELETE"]);

function notAllowed(): HttpError {
  return new HttpError(405, "This endpoint takes POST; GET and DELETE belong to sessions.", { allow: "POST, GET, DELETE" });
}

/**
 * Whose token the request bears; nobody's only where the configuration lets strangers in. A token that is presented must
 * be good.
 * @throws {BearerError}
 */
function identify(exchange: Exchange, { bearer, config }: Service): Awaitable<Caller | undefined> {
  const authorization = exchange.header("authorization");
  if (authorization === undefined && config.mcp.access === "mixed") return undefined;
  return andThen(bearer.verify(authorization, "mcp"), (caller) => {
    exchange.note({ client: caller.clientId, subject: caller.subject });
    return caller;
  });
}

/** @throws {McpError} `session_needed` */
function sessionIdOf(exchange: Exchange): string {
  const id = exchange.header("mcp-session-id");
  if (id === undefined) throw new McpError("session_needed", "The Mcp-Session-Id header is missing.");
  return id;
}

function handlePost(exchange: Exchange, service: Service, caller: Caller | undefined): Promise<Reply> {
  return readJsonBody(exchange, service).then((body) =>
    andThen(sessionOf(body, exchange, service, caller), (session) => {
      const arrival = { exchange, service, caller, session };
      return Array.isArray(body) ? answerBatch(body, arrival) : answerMessage(body, arrival);
    }),
  );
}

/**
 * @throws {HttpError} 415
 * @throws {McpError} when it is not JSON, nested too deeply or too full.
 */
export function readJsonBody(exchange: Exchange, { config }: Service): Promise<unknown> {
  if (!isJson(exchange.header("content-type"))) throw new HttpError(415, "The content type must be application/json.");
  return exchange.body().then((body) => parseMessage(body, { depth: config.mcp.jsonDepth, values: config.mcp.jsonValues }));
}

/** The session a legacy message names. Modern ones have none, whatever their headers say; `initialize` begins another. */
function sessionOf(body: unknown, exchange: Exchange, service: Service, caller: Caller | undefined): Awaitable<OpenSession | undefined> {
  const id = exchange.header("mcp-session-id");
  if (id === undefined || !caller || claimsModernEra(body) || namesModernEra(readProtocolHeaders(exchange).version)) return undefined;
  if (isObject(body) && body["method"] === "initialize") return undefined;
  return service.part(createSessions).find(id, caller);
}

function isJson(contentType: string | undefined): boolean {
  if (contentType === "application/json") return true;
  return contentType !== undefined && /^application\/json[ \t]*(;|$)/i.test(contentType.trim());
}
