import { type Exchange, HttpError, type Reply } from "../../shared/http/exchange.ts";
import type { Service } from "../../shared/service.ts";
import { parseJson } from "../protocol/json-rpc.ts";
import { answerBatch } from "./batch.ts";
import { type Arrival, answerMessage } from "./message.ts";

/** Streamable HTTP (MCP 2026-07-28 and 2025-11-25 basic/transports), both eras on one endpoint. */
export async function handleMcp(exchange: Exchange, service: Service): Promise<Reply> {
  if (!SIGNED_IN_METHODS.has(exchange.method)) throw notAllowed();
  const caller = await service.bearer.verify(exchange.header("authorization"), "mcp");
  if (exchange.method !== "POST") throw notAllowed();
  exchange.note({ client: caller.clientId, subject: caller.subject });
  return handlePost({ exchange, service, caller });
}

/**
 * Methods that have had a meaning in some revision, or with which clients look for a challenge: whoever has no token is
 * told so first. Any other method is wrong with or without a token.
 */
const SIGNED_IN_METHODS: ReadonlySet<string> = new Set(["POST", "GET", "HEAD", "DELETE"]);

function notAllowed(): HttpError {
  return new HttpError(405, "This endpoint takes POST.", { allow: "POST" });
}

async function handlePost(arrival: Arrival): Promise<Reply> {
  const { exchange } = arrival;
  if (!isJson(exchange.header("content-type"))) throw new HttpError(415, "The content type must be application/json.");
  const body = parseJson(await exchange.body());
  return Array.isArray(body) ? answerBatch(body, arrival) : answerMessage(body, arrival);
}

function isJson(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/json[ \t]*(;|$)/i.test(contentType.trim());
}
