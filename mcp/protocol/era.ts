import { isObject } from "../../shared/is-object.ts";
import { claimedVersion, ENVELOPE_MISSING, envelopeFault, envelopeOf } from "./envelope.ts";
import { McpError } from "./errors.ts";
import { checkMirrors, checkPresence, type ProtocolHeaders } from "./headers.ts";
import type { Message, Params, RpcNotification, RpcRequest } from "./json-rpc.ts";
import {
  ASSUMED_REVISION,
  type Era,
  isLegacyRevision,
  isModernRevision,
  LEGACY_REVISIONS,
  MODERN_REVISIONS,
  namesModernEra,
} from "./revisions.ts";

/** How a message is to be understood. */
export interface Dialect {
  readonly era: Era;
  readonly revision: string;
}

/**
 * Tells which era and revision a message speaks, and checks what the revision asks of envelope and headers. The body
 * decides and the header must agree, so that no intermediary reads a request otherwise than we do. Order of checks:
 * era, mismatched headers, supported version, missing headers.
 * @param negotiated The revision of the legacy session that the request names.
 * @throws {McpError} `invalid_envelope`, `header_mismatch`, `unsupported_revision` or `invalid_request`
 */
export function dialectOf(message: Message, headers: ProtocolHeaders, negotiated: string | undefined): Dialect {
  if (message.kind === "response") {
    if (namesModernEra(headers.version)) throw new McpError("invalid_request", "A client sends no responses in this revision.");
    return legacyDialect(headers.version, negotiated);
  }
  const envelope = envelopeOf(message.params);
  if (message.method === "initialize" && !isSound(envelope)) return handshakeDialect(headers);
  if (envelope) return modernDialect(message, envelope, headers);
  if (!namesModernEra(headers.version)) return legacyDialect(headers.version, negotiated);
  // Only requests have an envelope; modern clients have no notifications to send, and a stray one does no harm.
  if (message.kind === "request") throw new McpError("invalid_envelope", ENVELOPE_MISSING);
  return { era: "modern", revision: MODERN_REVISIONS[0] };
}

/** Whether a body has the envelope of a modern request, good or bad. */
export function claimsModernEra(body: unknown): boolean {
  if (!isObject(body)) return false;
  const { params } = body;
  return isObject(params) && envelopeOf(params) !== undefined;
}

/**
 * The revision of a legacy request: as its header says, else as it was negotiated.
 * @throws {McpError} `invalid_request` for a version we do not serve; the modern error would tell a client of both eras
 *   that it found a modern server.
 */
export function legacyDialect(version: string | undefined, negotiated: string | undefined): Dialect {
  if (version === undefined) return { era: "legacy", revision: negotiated ?? ASSUMED_REVISION };
  if (isLegacyRevision(version)) return { era: "legacy", revision: version };
  throw new McpError("invalid_request", `Unsupported MCP-Protocol-Version. Supported: ${LEGACY_REVISIONS.join(", ")}.`);
}

/** `initialize` negotiates the version in its body: the header has no say but to contradict. */
function handshakeDialect(headers: ProtocolHeaders): Dialect {
  if (namesModernEra(headers.version))
    throw new McpError("header_mismatch", "initialize does not exist in the version the MCP-Protocol-Version header names.");
  return { era: "legacy", revision: LEGACY_REVISIONS[0] };
}

function modernDialect(message: RpcRequest | RpcNotification, envelope: Params, headers: ProtocolHeaders): Dialect {
  const version = claimedVersion(envelope);
  if (typeof version !== "string") throw new McpError("invalid_envelope", ENVELOPE_MISSING);
  const supported = isModernRevision(version);
  // The envelope of a revision we do not know cannot be judged.
  const fault = supported ? envelopeFault(envelope) : undefined;
  if (fault !== undefined) throw new McpError("invalid_envelope", fault);
  checkMirrors(headers, version, message);
  if (!supported)
    throw new McpError("unsupported_revision", "Unsupported protocol version.", { supported: MODERN_REVISIONS, requested: version });
  if (message.kind === "request") checkPresence(headers, message);
  return { era: "modern", revision: version };
}

function isSound(envelope: Params | undefined): boolean {
  if (!envelope) return false;
  const version = claimedVersion(envelope);
  return typeof version === "string" && isModernRevision(version) && envelopeFault(envelope) === undefined;
}
