import type { Exchange } from "../../shared/http/exchange.ts";
import { McpError } from "./errors.ts";
import type { RpcNotification, RpcRequest } from "./json-rpc.ts";

/** The headers that mirror a request's body (MCP 2026-07-28 basic/transports/streamable-http §request-metadata). */
export interface ProtocolHeaders {
  readonly version: string | undefined;
  readonly method: string | undefined;
  readonly name: string | undefined;
}

/** The parameter that `Mcp-Name` mirrors, by method. */
const NAME_SOURCES: ReadonlyMap<string, string> = new Map([
  ["tools/call", "name"],
  ["prompts/get", "name"],
  ["resources/read", "uri"],
  ["tasks/get", "taskId"],
  ["tasks/update", "taskId"],
  ["tasks/cancel", "taskId"],
]);

export function readProtocolHeaders(exchange: Exchange): ProtocolHeaders {
  const read = (name: string) => exchange.header(name)?.trim();
  return { version: read("mcp-protocol-version"), method: read("mcp-method"), name: read("mcp-name") };
}

/**
 * Headers that are there must say what the body says.
 * @throws {McpError} `header_mismatch`
 */
export function checkMirrors(headers: ProtocolHeaders, version: string, message: RpcRequest | RpcNotification): void {
  if (headers.version !== undefined && headers.version !== version) throw differs("MCP-Protocol-Version", "the version in _meta");
  if (headers.method !== undefined && headers.method !== message.method) throw differs("Mcp-Method", "the method");
}

/**
 * A request must have its headers. `Mcp-Name` is compared here, after decoding; a body without the name is left to the
 * method, which says so better.
 * @throws {McpError} `header_mismatch`
 */
export function checkPresence(headers: ProtocolHeaders, { method, params }: RpcRequest): void {
  if (headers.version === undefined) throw missing("MCP-Protocol-Version");
  if (headers.method === undefined) throw missing("Mcp-Method");
  const source = NAME_SOURCES.get(method);
  const name = source === undefined ? undefined : params[source];
  if (typeof name !== "string") return;
  if (headers.name === undefined) throw missing("Mcp-Name");
  if (decodeValue(headers.name) !== name) throw differs("Mcp-Name", `params.${source}`);
}

/**
 * A header's value: `=?base64?…?=` holds text that a header cannot, anything else is meant as it stands (§value-encoding).
 * Nothing when the characters, the alphabet, the padding or the UTF-8 inside are wrong.
 */
export function decodeValue(value: string): string | undefined {
  if (!/^[\t\x20-\x7e]*$/.test(value)) return undefined;
  const encoded = /^=\?base64\?(.*)\?=$/.exec(value)?.[1];
  if (encoded === undefined) return value;
  const bytes = Buffer.from(encoded, "base64");
  // Buffer forgives what is not base64; only exact base64 survives the way back.
  if (bytes.toString("base64") !== encoded) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function missing(header: string): McpError {
  return new McpError("header_mismatch", `The ${header} header is missing.`);
}

function differs(header: string, source: string): McpError {
  return new McpError("header_mismatch", `The ${header} header does not match ${source}.`);
}
