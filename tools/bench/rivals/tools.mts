import { z } from "zod";

/**
 * The same tools for everyone: Portico's health check, and as many made-up ones beside it as BENCH_TOOLS says in all.
 *
 * Every example of the official SDKs writes a tool's schemas inside the function that makes the server, which is called
 * for each request; with BENCH_SCHEMAS=shared they are made once, which is faster and which no example shows.
 */
function made<T>(make: () => T): () => T {
  if (process.env["BENCH_SCHEMAS"] !== "shared") return make;
  const once = make();
  return () => once;
}

export const healthCheck = made(() => ({
  name: "health_check",
  title: "Check the service",
  description: "Use this when you want to know whether the service answers, which version it is and what time it has. It needs no sign-in.",
  output: z.object({
    status: z.literal("ok").describe("That the service answers."),
    version: z.string().describe("The service's release."),
    time: z.iso.datetime().describe("The service's clock, in UTC."),
  }),
  run: () => ({ status: "ok" as const, version: "0.1.0", time: new Date().toISOString() }),
}));

export const madeUp = made(() => ({
  description: "Use this when you want to find records of this kind. It returns the first matches, the newest first.",
  input: z.object({
    query: z.string().min(1).max(200).describe("What to look for."),
    limit: z.int().min(1).max(50).default(10).describe("How many to return."),
    status: z.enum(["open", "closed", "all"]).default("open").describe("Which records to look at."),
  }),
  output: z.object({
    records: z.array(z.object({ id: z.string(), title: z.string(), updated: z.iso.datetime() })).describe("The matches."),
    total: z.int().describe("How many there are in all."),
  }),
  run: () => ({ records: [], total: 0 }),
}));

/** The names of the made-up tools. */
export const MADE_UP_NAMES: readonly string[] = Array.from(
  { length: Math.max(0, Number(process.env["BENCH_TOOLS"] ?? 1) - 1) },
  (_, index) => `find_records_${index + 1}`,
);

/** A result with the structured content and the same as text, for clients that read only that. */
export function resultOf<T extends object>(structuredContent: T) {
  return { content: [{ type: "text" as const, text: JSON.stringify(structuredContent) }], structuredContent: { ...structuredContent } };
}
