import { enableCompileCache } from "node:module";
import { join, resolve } from "node:path";
import { z } from "zod";
import { MADE_UP_NAMES, madeUp } from "./rivals/tools.mts";

/**
 * Portico as `tools/serve.mts` starts it, with capabilities that benchmarks make up: BENCH_TOOLS in all, the health check
 * first, and with BENCH_EXTRA=1 one that gives as much text as it is asked for and one whose output breaks its schema.
 */
const project = resolve(import.meta.dirname, "../..");
enableCompileCache(join(project, "node_modules/.cache/portico"));
const { loadEndpoints } = await import("../encore/endpoints.mts");
const { readApp } = await import("../encore/app.mts");
const { startHost } = await import("../host.mts");
const { checkDocument } = await import("../../actions/document.ts");
const { createService, install } = await import("../../shared/service.ts");
const { defineCapability } = await import("../../shared/capabilities/capability.ts");
const { healthCheck } = await import("../../shared/capabilities/health-check.ts");

function capabilityOf(name: string) {
  const { description, input, output, run } = madeUp();
  return defineCapability({ name, title: name, description, scopes: "public", effect: "read", input, output, run });
}

const giveText = defineCapability({
  name: "give_text",
  title: "Give text",
  description: "Use this when you want so many characters.",
  scopes: "public",
  effect: "read",
  input: z.object({ length: z.int().min(0).max(4_000_000).describe("How many characters.") }),
  output: z.object({ text: z.string() }),
  run: ({ length }) => ({ text: "x".repeat(length) }),
});
const giveBadOutput = { ...capabilityOf("give_bad_output"), run: () => ({ records: "none", total: 0 }) as never };
const capabilities = [
  // Where the pack with the health check is not switched on.
  ...(process.env["CAPABILITIES"] === "own" ? [healthCheck] : []),
  ...MADE_UP_NAMES.map(capabilityOf),
  ...(process.env["BENCH_EXTRA"] === "1" ? [giveText, giveBadOutput] : []),
];

const { global_cors: cors } = readApp(project);
const running = await startHost({
  endpoints: await loadEndpoints(project),
  cors,
  host: "127.0.0.1",
  port: Number(process.env["PORT"] ?? 0),
  async open(port) {
    const service = await createService({
      env: { ...process.env, PORT: String(port) },
      providers: [{ start: () => ({ capabilities }) }],
    });
    checkDocument(service);
    install(service);
    return service;
  },
});
process.stdout.write(`Portico listens on http://127.0.0.1:${running.port}\n`);
process.on("SIGTERM", () => void running.close().then(() => process.exit(0)));
