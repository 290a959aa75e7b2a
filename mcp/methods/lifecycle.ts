import { readClientFeatures, TASKS_EXTENSION } from "../protocol/client-features.ts";
import { McpError } from "../protocol/errors.ts";
import { isLegacyRevision, LEGACY_REVISIONS, MODERN_REVISIONS } from "../protocol/revisions.ts";
import type { MethodHandler } from "./call.ts";
import { IMPLEMENTATION, renderCacheable, renderResult } from "./result.ts";

/** What is the same in both eras. What changes is announced, whatever is offered at this moment. */
const CAPABILITIES = {
  tools: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  prompts: { listChanged: true },
  completions: {},
  logging: {},
};

/** For the model. Clients may show it only the first 512 characters. */
export const INSTRUCTIONS = [
  "These tools act on a private service for the person who signed in: each call sees and changes only what that person may.",
  "Read before you change something, and use the ids that a tool returned; never make one up.",
  "Ask the person before you call a tool that is marked destructive.",
  "Long lists come in pages: pass a returned cursor to get the next one.",
  "When a call fails, its text says what to correct.",
].join(" ");

const DISCOVERED = renderCacheable("modern", {
  supportedVersions: MODERN_REVISIONS,
  capabilities: { ...CAPABILITIES, extensions: { [TASKS_EXTENSION]: {} } },
  instructions: INSTRUCTIONS,
});

/** `server/discover` (MCP 2026-07-28 server/discover). */
export const discover: MethodHandler = () => DISCOVERED;

/** `initialize` (MCP 2025-11-25 basic/lifecycle): the requested version if we serve it, else the newest of its era. */
export const initialize: MethodHandler = async (call) => {
  const { protocolVersion: requested, capabilities } = call.params;
  if (typeof requested !== "string") throw new McpError("invalid_params", "initialize needs a protocolVersion.");
  const protocolVersion = isLegacyRevision(requested) ? requested : LEGACY_REVISIONS[0];
  call.note({ revision: protocolVersion });
  await call.beginSession({ revision: protocolVersion, features: readClientFeatures(capabilities) });
  return renderResult("legacy", { protocolVersion, capabilities: CAPABILITIES, serverInfo: IMPLEMENTATION, instructions: INSTRUCTIONS });
};

/** `ping`, which modern revisions have no more. */
export const ping: MethodHandler = ({ era }) => renderResult(era, {});
