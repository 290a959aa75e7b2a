import { z } from "zod";
import type { Asker, InputRequest } from "../../shared/capabilities/ask.ts";
import { CapabilityError } from "../../shared/capabilities/capability.ts";
import { randomToken } from "../../shared/hash.ts";
import { isObject } from "../../shared/is-object.ts";
import type { Service } from "../../shared/service.ts";
import type { Kind } from "../../shared/state/store.ts";
import { type ClientFeatures, NO_FEATURES } from "../protocol/client-features.ts";
import { type Params, type RpcResponse, renderRequest } from "../protocol/json-rpc.ts";
import { createInbox } from "../streams/inbox.ts";

/**
 * A question that waits for the client's response, and the replica that waits. Owner: the session's key. Id: the JSON-RPC
 * id of the request. Expires when the wait is over.
 */
const questionKind: Kind<{ replica: string }> = { name: "ask_answer", codec: z.strictObject({ replica: z.string() }) };

/** Questions to legacy clients: requests on the stream of the call, whose responses may arrive anywhere (MCP 2025-11-25 basic/transports). */
export interface Questions {
  /** @param send Puts a message on the call's stream; false when there can be none, and `onLost` when that is known later. */
  askerOf(session: QuestionedSession, send: Send, signal: () => AbortSignal): Asker;
  /** Hands a client's response to whoever waits for it. False when nobody in this session does. */
  answer(session: string, response: RpcResponse): Promise<boolean>;
}

export interface QuestionedSession {
  readonly key: string;
  readonly subject: string;
  readonly features: ClientFeatures;
}

/** Questions of one person that may wait at one process, whether or not a connection is held for them. */
const MOST_OPEN = 100;
/** Seconds. */
const RETRY_AFTER = 30;

type Send = (message: string, onLost: () => void) => boolean;
type Question = readonly [request: InputRequest, send: Send, signal: AbortSignal];

const answerCodec = z.object({ id: z.string(), result: z.unknown().optional(), error: z.unknown().optional() });

export function createQuestions(service: Service): Questions {
  const { store, clock, config, log } = service;
  const inbox = service.part(createInbox);
  const waiting = new Map<string, (answer: z.infer<typeof answerCodec>) => void>();
  /** Questions that wait here, by subject. */
  const counts = new Map<string, number>();

  function count(subject: string, by: number): void {
    const left = (counts.get(subject) ?? 0) + by;
    if (left > 0) counts.set(subject, left);
    else counts.delete(subject);
  }

  /** @throws {CapabilityError} `rate_limited` */
  async function ask({ key, subject }: QuestionedSession, ...question: Question): Promise<unknown> {
    if ((counts.get(subject) ?? 0) >= MOST_OPEN) {
      const message = `There are ${MOST_OPEN} questions open already, which is as many as there may be. Answer them first.`;
      throw new CapabilityError("rate_limited", message, { retryAfter: RETRY_AFTER });
    }
    count(subject, 1);
    try {
      return await put(key, ...question);
    } finally {
      count(subject, -1);
    }
  }

  inbox.handle("answer", (letter) => {
    const answer = answerCodec.parse(JSON.parse(letter));
    waiting.get(answer.id)?.(answer);
  });

  async function put(session: string, ...[request, send, signal]: Question): Promise<unknown> {
    const key = { owner: session, id: randomToken(16) };
    const { promise, resolve, reject } = Promise.withResolvers<z.infer<typeof answerCodec>>();
    const stopExpecting = inbox.expect();
    const timer = setTimeout(() => reject(new CapabilityError("timed_out", "Nobody answered in time.")), config.mcp.answerTime).unref();
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      await store.create(questionKind, key, { replica: inbox.replica }, clock() + config.mcp.answerTime);
      signal.throwIfAborted();
      waiting.set(key.id, resolve);
      const message = renderRequest(key.id, request.method, paramsOf(request, key.id));
      if (!send(message, () => reject(noStream()))) throw noStream();
      const { result, error } = await promise;
      if (error !== undefined) throw refusal(error);
      return result;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      stopExpecting();
      waiting.delete(key.id);
      // Its expiry would do as well; a late response is told sooner that nobody waits.
      store.take(questionKind, key).catch((cause: unknown) => log.warn({ cause: String(cause) }, "a question stays until it expires"));
    }
  }

  return {
    askerOf: (session, send, signal) => ({
      supports: (interaction) => session.features[interaction],
      put: async (_key, request, read) => read(await ask(session, request, send, signal())),
    }),
    async answer(session, { id, result, error }) {
      if (typeof id !== "string") return false;
      const question = await store.get(questionKind, { owner: session, id });
      if (!question) return false;
      // Here it is known at once that a question is over; its record follows.
      if (question.value.replica === inbox.replica && !waiting.has(id)) return false;
      await inbox.send(question.value.replica, "answer", JSON.stringify({ id, result, error }));
      return true;
    },
  };
}

/** For calls without a session: there is no way to put a question, or to hear the answer. */
export const SESSIONLESS_ASKER: Asker = {
  supports: (interaction) => NO_FEATURES[interaction],
  async put() {
    throw new CapabilityError("interaction_required", "This call asks a question: begin a session with initialize.");
  },
};

function noStream(): CapabilityError {
  return new CapabilityError("interaction_required", "This call asks a question, but its reply cannot be a stream.");
}

/** Opening a page has an id of its own in this era (MCP 2025-11-25 client/elicitation §url-mode). */
function paramsOf({ params }: InputRequest, id: string): Params {
  return params["mode"] === "url" ? { ...params, elicitationId: id } : params;
}

function refusal(error: unknown): CapabilityError {
  const message = isObject(error) && typeof error["message"] === "string" ? error["message"].slice(0, 200) : "";
  return new CapabilityError("unavailable", `The client did not answer a question. ${message}`.trim());
}
