import { z } from "zod";
import { canonicalJson } from "../../shared/capabilities/canonical.ts";
import { randomToken, sha256 } from "../../shared/hash.ts";
import { SealError } from "../../shared/state/seal.ts";
import type { Call } from "../methods/call.ts";
import { McpError } from "../protocol/errors.ts";

const stateCodec = z.strictObject({
  /** Another one for every round. */
  id: z.string(),
  subject: z.string(),
  clientId: z.string(),
  request: z.string(),
  expiresAt: z.number(),
  /** The answers that were accepted so far, as they came. */
  answers: z.record(z.string(), z.unknown()),
});

/** What a client brings back with its answers: all there is to know of the rounds before (MCP 2026-07-28 basic/patterns/mrtr). */
export type RequestState = z.infer<typeof stateCodec>;

/** Sealed for this and nothing else. */
const PURPOSE = "mcp_request_state";

/** Bytes that a state may have before it is sealed: clients and proxies have to carry it. */
const MAX_STATE = 64 * 1024;

/** Members of the params that come and go between the rounds of one request. */
const ROUND_MEMBERS: ReadonlySet<string> = new Set(["_meta", "inputResponses", "requestState"]);

/** @throws {McpError} `invalid_params` when the answers are too large to be carried. */
export function sealState(call: Call, method: string, answers: Readonly<Record<string, unknown>>): string {
  const { sealer, clock, config } = call.service;
  const state: RequestState = {
    id: randomToken(16),
    ...principalOf(call),
    request: digestOf(call, method),
    expiresAt: clock() + config.mcp.answerTime,
    answers,
  };
  const text = JSON.stringify(state);
  if (Buffer.byteLength(text) > MAX_STATE) throw refused(`The answers of this call have more than ${MAX_STATE} bytes.`);
  return sealer.seal(PURPOSE, text);
}

/**
 * Opens a state and checks that it belongs to this caller and this request, and in time.
 * @throws {McpError} `invalid_params` otherwise.
 */
export function openState(call: Call, method: string, sealed: string): RequestState {
  const state = stateCodec.parse(JSON.parse(unseal(call, sealed)));
  const { subject, clientId } = principalOf(call);
  if (state.subject !== subject || state.clientId !== clientId) throw refused("The requestState was given to another caller.");
  if (state.request !== digestOf(call, method))
    throw refused("The requestState belongs to another request: the params must stay as they were.");
  if (state.expiresAt <= call.service.clock()) throw refused("The requestState has expired: begin the request anew, without it.");
  return state;
}

function unseal({ service }: Call, sealed: string): string {
  try {
    return service.sealer.open(PURPOSE, sealed);
  } catch (error) {
    if (error instanceof SealError) throw refused("The requestState is not what this service gave out.");
    throw error;
  }
}

/** Whoever has no token is nobody in particular, and shares nothing with anyone who has. */
function principalOf({ caller }: Call): Pick<RequestState, "subject" | "clientId"> {
  return { subject: caller?.subject ?? "", clientId: caller?.clientId ?? "" };
}

/** The same for every order of an object's members: a client may write its params anew for each round. */
function digestOf({ params }: Call, method: string): string {
  const lasting = Object.entries(params).filter(([member]) => !ROUND_MEMBERS.has(member));
  return sha256(canonicalJson([method, Object.fromEntries(lasting)]));
}

function refused(message: string): McpError {
  return new McpError("invalid_params", message);
}
