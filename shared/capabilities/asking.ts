import { z } from "zod";
import type { Ask, Asker, FormAnswer, InputRequest, Interaction, ReadAnswer, Root, SamplingResult } from "./ask.ts";
import { CapabilityError, NAME } from "./capability.ts";
import type { Checked, Shape } from "./content.ts";
import { formOf } from "./form-fields.ts";
import { checkOf } from "./shape.ts";
import { type ShapeCheck, wordsOf } from "./shape-fault.ts";

/** What a client would have to be able to do, in words. */
const ABILITIES: Readonly<Record<Interaction, string>> = {
  form: "show a form to the person",
  url: "have the person open a page",
  sampling: "let its model write something",
  sampling_tools: "let its model use tools that a server names",
  roots: "list its roots",
};

/**
 * The questions of a call, put through an era's asker. Each is put before the method returns, so that questions which
 * are asked together reach the asker together.
 * @param refusal What is thrown for a question that the asker does not support.
 */
export function createAsk(asker: Asker, refusal: (interaction: Interaction) => CapabilityError = cannotAnswer): Ask {
  function put<T>(interaction: Interaction, key: string, request: InputRequest, read: ReadAnswer<T>): Promise<T> {
    if (!NAME.test(key)) throw new Error(`"${key}" cannot be the key of a question: it must match ${NAME.source}`);
    if (!asker.supports(interaction)) throw refusal(interaction);
    return asker.put(key, request, read);
  }

  return {
    supports: (interaction) => asker.supports(interaction),
    form: <S extends Shape>(key: string, message: string, fields: S) =>
      question(() => {
        const { requestedSchema, check } = formOf(fields);
        const request = { method: "elicitation/create", params: { mode: "form", message, requestedSchema } } as const;
        return put("form", key, request, (result) => readForm<S>(key, result, check));
      }),
    url: (key, message, url) =>
      question(() => {
        if (!URL.canParse(url)) throw new Error(`the question "${key}" has a page to open whose address is no URL`);
        const request = { method: "elicitation/create", params: { mode: "url", message, url } } as const;
        return put("url", key, request, (result) => ({ action: readAction(key, result).action }));
      }),
    sample: (key, params) =>
      question(() => {
        const request = { method: "sampling/createMessage", params } as const;
        const withTools = params["tools"] !== undefined || params["toolChoice"] !== undefined;
        return put(
          withTools ? "sampling_tools" : "sampling",
          key,
          request,
          (result) => readSampling(key, result) as unknown as SamplingResult,
        );
      }),
    roots: (key) =>
      question(() => {
        const request = { method: "roots/list", params: {} } as const;
        return put("roots", key, request, (result) => readRoots(key, result)["roots"] as readonly Root[]);
      }),
  };
}

/** A question that a capability does not wait for must not end the process when it fails. */
function question<T>(put: () => Promise<T>): Promise<T> {
  const asked = (async () => put())();
  asked.catch(() => {});
  return asked;
}

/** For REST, where nobody can be asked: every question ends the call. */
export const refusingAsk: Ask = createAsk({ supports: () => false, put: () => Promise.reject(nobodyToAsk()) }, nobodyToAsk);

function nobodyToAsk(): CapabilityError {
  return new CapabilityError(
    "interaction_required",
    "This operation asks questions that only MCP can carry: use it through an MCP client.",
  );
}

function cannotAnswer(interaction: Interaction): CapabilityError {
  return new CapabilityError("client_capability", `This needs a client that can ${ABILITIES[interaction]}.`, { interaction });
}

const elicitResult = checkOf(
  z.object({
    action: z.enum(["accept", "decline", "cancel"]),
    content: z.record(z.string(), z.unknown()).optional(),
  }),
);

function readAction(key: string, result: unknown) {
  return readAnswer(key, result, elicitResult) as {
    readonly action: "accept" | "decline" | "cancel";
    readonly content?: Readonly<Record<string, unknown>>;
  };
}

/** Without content, a form whose fields are all optional was left empty. */
function readForm<S extends Shape>(key: string, result: unknown, check: ShapeCheck): FormAnswer<S> {
  const { action, content = {} } = readAction(key, result);
  if (action !== "accept") return { action };
  return { action, content: readAnswer(`${key}.content`, content, check) as Checked<S> };
}

/** Kinds of content that a model may write; one that is not known here is the business of whoever asked for it. */
const samplingBlock = z
  .looseObject({ type: z.string() })
  .and(
    z.union([
      z.looseObject({ type: z.literal("text"), text: z.string() }),
      z.looseObject({ type: z.enum(["image", "audio"]), data: z.string(), mimeType: z.string() }),
      z.looseObject({ type: z.string().refine((type) => !["text", "image", "audio"].includes(type)) }),
    ]),
  );
const samplingResult = checkOf(
  z.looseObject({
    role: z.enum(["user", "assistant"]),
    content: z.union([samplingBlock, z.array(samplingBlock)]),
    model: z.string(),
    stopReason: z.string().optional(),
  }),
);

function readSampling(key: string, result: unknown) {
  return readAnswer(key, result, samplingResult);
}

const rootsResult = checkOf(z.object({ roots: z.array(z.object({ uri: z.string().min(1), name: z.string().optional() })) }));

function readRoots(key: string, result: unknown) {
  return readAnswer(key, result, rootsResult);
}

/** Values that an answer may have: a form, a model's words or some roots have few, and each may be found wrong. */
const MOST_VALUES = 5_000;

function readAnswer(place: string, answer: unknown, check: ShapeCheck): Readonly<Record<string, unknown>> {
  if (valuesIn(answer, MOST_VALUES) > MOST_VALUES) {
    const faults = [{ field: place, message: `has more than ${MOST_VALUES} values` }];
    throw new CapabilityError("invalid_input", `The answer is not valid. ${wordsOf(faults)}`, { faults });
  }
  const checked = check(answer);
  if (checked.success) return checked.data;
  const faults = checked.faults.map(({ field, message }) => ({ field: field === "" ? place : `${place}.${field}`, message }));
  throw new CapabilityError("invalid_input", `The answer is not valid. ${wordsOf(faults)}`, { faults });
}

/** How many values there are in a value, itself included; counted no further than just above `most`. */
function valuesIn(value: unknown, most: number): number {
  if (typeof value !== "object" || value === null) return 1;
  let count = 1;
  for (const item of Array.isArray(value) ? value : Object.values(value)) {
    count += valuesIn(item, most - count);
    if (count > most) break;
  }
  return count;
}
