import { setTimeout as delay } from "node:timers/promises";
import type { CapabilityDefinition } from "../../shared/capabilities/capability.ts";
import { type Answer, answer } from "../../shared/capabilities/content.ts";

/** What the fixtures have in common: for MCP alone, open to every signed-in person. */
export const FIXTURE = { scopes: [], effect: "read", surfaces: ["mcp"] } as const satisfies Partial<CapabilityDefinition>;

/** One red pixel. */
export const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** A millisecond of silence. */
export const WAV = "UklGRjQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YRAAAAAAAAAAAAAAAAAAAAAAAAAA";

/** An answer of one text. */
export function says(text: string): Answer<never> {
  return answer<never>([{ type: "text", text }]);
}

/** Work that takes this many milliseconds, unless it is called off. */
export async function work(duration: number, signal: AbortSignal): Promise<void> {
  await delay(duration, undefined, { signal });
}
