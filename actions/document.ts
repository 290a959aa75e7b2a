import { sha256 } from "../shared/hash.ts";
import type { Exchange, Reply } from "../shared/http/exchange.ts";
import type { Service } from "../shared/service.ts";
import { requireMethod } from "./faults.ts";
import { createOpenApi } from "./openapi.ts";

/** The document as it is sent, made anew when what is offered changes. */
function createDocument({ registry, config }: Service) {
  const body = JSON.stringify(createOpenApi(registry, config.publicUrl), null, 2);
  const etag = `"${sha256(body)}"`;
  return { body, headers: { "content-type": "application/json", "cache-control": "public, max-age=300", etag } };
}

/** `/actions/openapi.json`: what a Custom GPT imports. */
export function handleDocument(exchange: Exchange, service: Service): Reply {
  requireMethod(exchange, ["GET", "HEAD"]);
  const { body, headers } = service.derived(createDocument);
  if (isKnown(exchange.header("if-none-match"), headers.etag)) return { status: 304, headers };
  return { status: 200, headers, body };
}

/** RFC 9110 §13.1.2: weak comparison. */
function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = (ifNoneMatch ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes(etag) || tags.includes("*");
}
