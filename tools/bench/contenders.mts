import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ask } from "./ask.mts";
import type { Request } from "./load.mts";
import { createProduction, grantsOf, type KeptGrant, MCP, type Production, PUBLIC_URL, writeGrants } from "./production.mts";
import type { Bench } from "./scenario.mts";
import type { ServerProcess } from "./server-process.mts";

export interface Portico {
  readonly server: ServerProcess;
  readonly production: Production;
}

export interface PorticoOptions {
  /** Added to production's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Grants that are in its store when it starts; one person's unless given. */
  readonly grants?: Iterable<KeptGrant>;
  /** `tools/start.mjs` unless given. */
  readonly script?: string;
}

/** Starts Portico as in production, with a store of its own. */
export async function startPortico(bench: Bench, options: PorticoOptions = {}): Promise<Portico> {
  const { env = {}, grants = grantsOf(1), script = "../start.mjs" } = options;
  const production = createProduction(mkdtempSync(join(bench.folder, "portico-")));
  await writeGrants(production.stateFile, grants);
  return { server: await bench.start(script, { ...production.env, ...env }), production };
}

/** Starts Portico with so many capabilities in all, of which the health check is the first. */
export function startPorticoWith(tools: number, bench: Bench): Promise<Portico> {
  return startPortico(bench, {
    script: "portico.mts",
    env: { CAPABILITIES: "own", BENCH_TOOLS: String(tools), ACTIONS_OPERATIONS: "health_check" },
  });
}

/** Starts a floor that answers as a server has just answered this request. @param script One of the floors. */
export async function startFloorLike(
  server: ServerProcess,
  request: Request,
  bench: Bench,
  { script = "rivals/floor.mts", env = {} }: { readonly script?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<ServerProcess> {
  const { body, headers } = await ask(server, request);
  const file = join(mkdtempSync(join(bench.folder, "floor-")), "body");
  writeFileSync(file, body);
  return bench.start(script, { FLOOR_BODY: file, FLOOR_TYPE: headers["content-type"] ?? "application/json", ...env });
}

/** What a rival must know to verify the tokens of this production. */
export function rivalEnv({ publicJwk }: Production): Readonly<Record<string, string>> {
  return { BENCH_JWK: JSON.stringify(publicJwk), BENCH_ISSUER: PUBLIC_URL, BENCH_AUDIENCE: MCP };
}
