import type { CapabilityError, CapabilityErrorCode } from "../../shared/capabilities/capability.ts";
import type { ContentBlock, Outcome, ResourceContents } from "../../shared/capabilities/content.ts";
import type { ResourceBody } from "../../shared/capabilities/features.ts";
import type { Era } from "../protocol/revisions.ts";

/** The members of a CallToolResult (MCP 2026-07-28 server/tools §tool-result), the same in every era and in a task. */
export type ToolResult = Readonly<Record<string, unknown>> & {
  readonly content: readonly ContentBlock[];
  readonly structuredContent?: Readonly<Record<string, unknown>>;
  readonly isError?: true;
};

/** What a tool gave: its content, its structured output, and that as text for clients that show only text. */
export function resultOf({ output, content }: Outcome): ToolResult {
  if (output === undefined) return { content };
  return { content: withText(content, JSON.stringify(output)), structuredContent: output };
}

/** The same as JSON text between its braces, for which an output, which may be large, is written once. */
export function renderOutcome({ output, content }: Outcome): string {
  if (output === undefined) return `"content":${JSON.stringify(content)}`;
  const text = JSON.stringify(output);
  return `"content":${JSON.stringify(withText(content, text))},"structuredContent":${text}`;
}

function withText(content: readonly ContentBlock[], text: string): readonly ContentBlock[] {
  const said = content.some((block) => block.type === "text" && block.text === text);
  return said ? content : [...content, { type: "text", text }];
}

/** A tool's failure as a result: nothing when it is a fault of the request, of the sign-in or of ours. */
export function toolFailure({ code, message }: CapabilityError, era: Era): ToolResult | undefined {
  const told = TOLD_TO_THE_MODEL.has(code) || (code === "client_capability" && era === "legacy");
  return told ? { content: [{ type: "text", text: message }], isError: true } : undefined;
}

/** Outcomes that the model can act on, or at least tell of. Modern clients have an error of its own for `client_capability`. */
const TOLD_TO_THE_MODEL: ReadonlySet<CapabilityErrorCode> = new Set([
  "forbidden",
  "invalid_input",
  "not_found",
  "conflict",
  "rate_limited",
  "unavailable",
  "timed_out",
  "interaction_required",
]);

/** What reading gave, in the form of an answer (MCP 2026-07-28 server/resources §resource-contents). */
export function contentsOf(uri: string, mimeType: string | undefined, body: ResourceBody): readonly ResourceContents[] {
  const described = mimeType === undefined ? { uri } : { uri, mimeType };
  if (typeof body === "string") return [{ ...described, text: body }];
  if (body instanceof Uint8Array) return [{ ...described, blob: base64(body) }];
  return body;
}

function base64({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}
