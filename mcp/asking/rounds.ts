import { z } from "zod";
import { type Awaitable, attempt } from "../../shared/awaitable.ts";
import { type Asker, type InputRequest, InputRequired } from "../../shared/capabilities/ask.ts";
import { CapabilityError } from "../../shared/capabilities/capability.ts";
import { isObject } from "../../shared/is-object.ts";
import type { Kind } from "../../shared/state/store.ts";
import type { Call } from "../methods/call.ts";
import { renderInputRequired } from "../methods/result.ts";
import { McpError } from "../protocol/errors.ts";
import type { Params } from "../protocol/json-rpc.ts";
import { openState, type RequestState, sealState } from "./request-state.ts";

/** A round whose answers were used. Id: the state's. Owner: the subject, if there is one. Expires with the state. */
const roundKind: Kind<Record<string, never>> = { name: "mcp_round", codec: z.strictObject({}) };

export interface RoundOptions {
  readonly method: "tools/call" | "prompts/get" | "resources/read";
  /** The answers of a round count once, whoever brings them again. */
  readonly singleUse: boolean;
}

const NOTHING: Params = Object.freeze({});

/**
 * Runs what may ask. Questions to a modern client go back in the result, and `run` begins anew when the client comes
 * again with the answers (MCP 2026-07-28 basic/patterns/mrtr); a legacy client is asked while `run` waits.
 *
 * Answers that came without a state are those to the first questions; what does not answer a question is left out, and
 * the question put again.
 *
 * @throws {McpError} `invalid_params` for answers or a state of the wrong form, a state that is not of this caller and
 *   request, and one that was used when it counts once; and what `run` throws.
 */
export function withAnswers(call: Call, options: RoundOptions, run: (asker: Asker) => Awaitable<string>): Awaitable<string> {
  return call.era === "legacy" ? run(call.asker) : runRound(call, options, run);
}

function runRound(call: Call, options: RoundOptions, run: (asker: Asker) => Awaitable<string>): Awaitable<string> {
  const { asker, next } = openRound(call, options);
  return attempt(
    () => run(asker),
    (error) => {
      if (!(error instanceof InputRequired)) throw error;
      call.note({ outcome: "input_required" });
      return next();
    },
  );
}

interface Round {
  readonly asker: Asker;
  /** The result that asks what this round left open. */
  next(): string;
}

function openRound(call: Call, { method, singleUse }: RoundOptions): Round {
  const { inputResponses: responses = NOTHING, requestState } = call.params;
  if (!isObject(responses)) throw new McpError("invalid_params", "The inputResponses must be an object.");
  if (requestState !== undefined && typeof requestState !== "string")
    throw new McpError("invalid_params", "The requestState must be a string.");
  const state = requestState === undefined ? undefined : openState(call, method, requestState);
  // Without a state nobody could tell a second use from the first.
  const fresh = singleUse && !state ? NOTHING : responses;
  let accepted: Params = NOTHING;
  let questions: Readonly<Record<string, InputRequest>> = {};
  let used: Promise<void> | undefined;

  return {
    asker: {
      supports: (interaction) => call.client[interaction],
      async put(key, request, read) {
        const known = [state?.answers, fresh].find((answers) => answers !== undefined && Object.hasOwn(answers, key));
        const answer = known && readable(read, known[key]);
        if (!known || !answer) {
          questions = { ...questions, [key]: request };
          await questionsOfThisTurn();
          throw new InputRequired("A later request brings the answer.");
        }
        accepted = { ...accepted, [key]: known[key] };
        if (singleUse && state) {
          used ??= use(call, state);
          await used;
        }
        return answer.value;
      },
    },
    next: () => renderInputRequired(questions, sealState(call, method, accepted)),
  };
}

/** The answer, unless it is none: then it is asked for again, as a missing one is. */
function readable<T>(read: (result: unknown) => T, result: unknown): { readonly value: T } | undefined {
  try {
    return { value: read(result) };
  } catch (error) {
    if (error instanceof CapabilityError && error.code === "invalid_input") return undefined;
    throw error;
  }
}

/** Lets everything run that need not wait, so that questions which are asked together are put together. */
function questionsOfThisTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/**
 * Before anything is done with an answer, its round is marked as used: of two requests with the same state only one goes on.
 * @throws {McpError} `invalid_params` when it was used.
 * @throws {Unavailable}
 */
async function use({ service }: Call, { id, subject, expiresAt }: RequestState): Promise<void> {
  const key = subject === "" ? { id } : { id, owner: subject };
  const first = await service.store.create(roundKind, key, {}, expiresAt);
  if (!first) throw new McpError("invalid_params", "The requestState was already used: these answers count for one call.");
}
