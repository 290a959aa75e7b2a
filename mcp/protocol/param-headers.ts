import type { HeaderParameter } from "../../shared/capabilities/capability.ts";
import { isObject } from "../../shared/is-object.ts";
import { McpError } from "./errors.ts";
import { decodeValue } from "./headers.ts";
import type { Params } from "./json-rpc.ts";

/**
 * What a tool's schema has clients repeat in `Mcp-Param-*` headers must be there and say what the arguments say, so that
 * nobody on the way acts on something else than we do (MCP 2026-07-28 basic/transports/streamable-http §custom-headers).
 * Where the arguments have no value, or null, the client leaves the header out; one that is there matches nothing.
 * @throws {McpError} `header_mismatch`
 */
export function checkParamHeaders(
  parameters: readonly HeaderParameter[],
  input: Params,
  headerOf: (name: string) => string | undefined,
): void {
  for (const { header, path } of parameters) {
    const name = `Mcp-Param-${header}`;
    const sent = headerOf(name.toLowerCase())?.trim();
    const value = valueAt(input, path);
    if (value === undefined || value === null) {
      if (sent !== undefined) throw mismatch(`The ${name} header is there, but ${path.join(".")} is not.`);
    } else if (sent === undefined) {
      throw mismatch(`The ${name} header is missing.`);
    } else if (!says(sent, value)) {
      throw mismatch(`The ${name} header does not match ${path.join(".")}.`);
    }
  }
}

function valueAt(input: Params, path: readonly string[]): unknown {
  let value: unknown = input;
  for (const key of path) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/** Compared by what the argument is: that it is of the declared type is for the input's check to say. */
function says(sent: string, value: unknown): boolean {
  const decoded = decodeValue(sent);
  if (decoded === undefined) return false;
  if (typeof value === "number") return isDecimal(decoded) && isExact(value) && Number(decoded) === value;
  return (typeof value === "string" || typeof value === "boolean") && decoded === String(value);
}

function isDecimal(text: string): boolean {
  return /^-?\d+(\.\d+)?$/.test(text);
}

/** Beyond, different decimals are the same number here and not elsewhere. */
function isExact(value: number): boolean {
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER;
}

function mismatch(message: string): McpError {
  return new McpError("header_mismatch", message);
}
