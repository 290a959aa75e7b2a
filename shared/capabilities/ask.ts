import type { Checked, ContentBlock, Shape } from "./content.ts";

/**
 * What a client may be able to do for a call. "url" is elicitation by opening a page, "sampling_tools" sampling with
 * `tools` or `toolChoice`.
 */
export type Interaction = "form" | "url" | "sampling" | "sampling_tools" | "roots";

/** A request that the server puts to the client (MCP 2026-07-28 basic/patterns/mrtr §input-requests). */
export interface InputRequest {
  readonly method: "elicitation/create" | "sampling/createMessage" | "roots/list";
  readonly params: Readonly<Record<string, unknown>>;
}

/** What the person did with a form. `content` fits the form's fields. */
export type FormAnswer<S extends Shape> =
  | { readonly action: "accept"; readonly content: Checked<S> }
  | { readonly action: "decline" | "cancel" };

export interface SamplingMessage {
  readonly role: "user" | "assistant";
  readonly content: ContentBlock | readonly ContentBlock[];
}

/** MCP 2026-07-28 client/sampling; what is not named here is passed on as it is. */
export interface SamplingRequest {
  readonly messages: readonly SamplingMessage[];
  /** Tokens. */
  readonly maxTokens: number;
  readonly systemPrompt?: string;
  readonly temperature?: number;
  readonly [parameter: string]: unknown;
}

export interface SamplingResult extends SamplingMessage {
  readonly model: string;
  readonly stopReason?: string;
}

export interface Root {
  readonly uri: string;
  readonly name?: string;
}

/**
 * Asks the person, the client's model or the client itself in the middle of a call, in every era the same way. Where
 * questions go back in the result (2026-07-28), `run` begins anew once the answers are there and finds them at the same
 * keys: ask before you change anything. Questions asked together (`Promise.all`) are put together.
 *
 * A key names one question within the call: `^[a-z][a-z0-9_]{0,63}$`.
 *
 * @throws {CapabilityError} from each of them: `client_capability` when the client cannot answer such a question,
 *   `interaction_required` where nobody can be asked (Actions), `invalid_input` when an answer is not one,
 *   `timed_out` when none came.
 */
export interface Ask {
  /** @param fields Flat: strings, numbers, booleans, enumerations. */
  form<S extends Shape>(key: string, message: string, fields: S): Promise<FormAnswer<S>>;
  /** Has the person open a page; `accept` means that they agreed to, not that they are done there. */
  url(key: string, message: string, url: string): Promise<{ readonly action: "accept" | "decline" | "cancel" }>;
  sample(key: string, request: SamplingRequest): Promise<SamplingResult>;
  roots(key: string): Promise<readonly Root[]>;
  /** Whether the client said that it can answer such a question. */
  supports(interaction: Interaction): boolean;
}

/** Reads a client's answer. @throws {CapabilityError} `invalid_input` when it is not one. */
export type ReadAnswer<T> = (result: unknown) => T;

/** How questions reach the client in one era, or in a task. `createAsk` puts the contract on top. */
export interface Asker {
  supports(interaction: Interaction): boolean;
  /**
   * Resolves with the answer, read.
   * @throws {InputRequired} where the answer can only come with another request.
   */
  put<T>(key: string, request: InputRequest, read: ReadAnswer<T>): Promise<T>;
}

/** Ends a run that waits for answers of a later request; the asker knows the questions. A capability lets it pass. */
export class InputRequired extends Error {
  override readonly name = "InputRequired";
}
