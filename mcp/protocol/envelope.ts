import { LOG_SEVERITIES } from "../../shared/capabilities/capability.ts";
import { isObject } from "../../shared/is-object.ts";
import { type ClientFeatures, readClientFeatures } from "./client-features.ts";
import type { Params } from "./json-rpc.ts";

/** What every modern request says of itself, in `params._meta` (MCP 2026-07-28 basic §meta). */
const PREFIX = "io.modelcontextprotocol/";
const PROTOCOL_VERSION = `${PREFIX}protocolVersion`;
const CLIENT_CAPABILITIES = `${PREFIX}clientCapabilities`;
const CLIENT_INFO = `${PREFIX}clientInfo`;
export const LOG_LEVEL = `${PREFIX}logLevel`;
/** Where a result names the server. */
export const SERVER_INFO = `${PREFIX}serverInfo`;

/** Where what belongs to a subscription names it. */
export const SUBSCRIPTION_ID = `${PREFIX}subscriptionId`;

const LOG_LEVELS: ReadonlySet<unknown> = new Set(LOG_SEVERITIES);

/** The `_meta` of params that claim a protocol version: only modern requests do. */
export function envelopeOf(params: Params): Params | undefined {
  const meta = params["_meta"];
  return isObject(meta) && Object.hasOwn(meta, PROTOCOL_VERSION) ? meta : undefined;
}

/** The version an envelope claims, which need not be a string. */
export function claimedVersion(envelope: Params): unknown {
  return envelope[PROTOCOL_VERSION];
}

/** What a modern client says in this very request that it can do. */
export function clientFeaturesOf(params: Params): ClientFeatures {
  return readClientFeatures(envelopeOf(params)?.[CLIENT_CAPABILITIES]);
}

/** What is wrong with an envelope of a revision we know, or nothing. `clientInfo` may be left out. */
export function envelopeFault(envelope: Params): string | undefined {
  if (!isObject(envelope[CLIENT_CAPABILITIES])) return `_meta["${CLIENT_CAPABILITIES}"] must be an object.`;
  const info = envelope[CLIENT_INFO];
  if (info !== undefined && !isImplementation(info)) return `_meta["${CLIENT_INFO}"] must have a name and a version.`;
  const level = envelope[LOG_LEVEL];
  if (level !== undefined && !LOG_LEVELS.has(level)) return `_meta["${LOG_LEVEL}"] must be a log level.`;
  const token = envelope["progressToken"];
  if (token !== undefined && typeof token !== "string" && typeof token !== "number")
    return "_meta.progressToken must be a string or a number.";
  return undefined;
}

/** Said when there is no envelope where one is due. */
export const ENVELOPE_MISSING = `The params need a _meta with "${PROTOCOL_VERSION}" and "${CLIENT_CAPABILITIES}".`;

function isImplementation(value: unknown): boolean {
  return isObject(value) && typeof value["name"] === "string" && typeof value["version"] === "string";
}
