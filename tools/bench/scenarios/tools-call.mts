import { ask } from "../ask.mts";
import { rivalEnv, startFloorLike, startPortico } from "../contenders.mts";
import { inTurns, type Request } from "../load.mts";
import { CALL, legacy, modern } from "../mcp-requests.mts";
import { personOf } from "../production.mts";
import { always, type Contender, compete, of, rateRatio, rowsOf } from "../rounds.mts";
import { atLeast, atMost, type Scenario } from "../scenario.mts";
import type { ServerProcess } from "../server-process.mts";

/** A contender that gets one request again and again, once it has been seen to do the work. @throws {Error} if it does not. */
export async function caller(name: string, server: ServerProcess, request: Request): Promise<Contender> {
  const { body } = await ask(server, request);
  if (!/"structuredContent":\{[^}]*"status":"ok"/.test(body)) throw new Error(`${name} does not call the tool: ${body.slice(0, 500)}`);
  return { name, server, prepare: always(inTurns([request])) };
}

export const toolsCall: Scenario = {
  about: "an authenticated tools/call, 2026-07-28, one warm token: the floor, the official SDKs, fastmcp",
  async run(bench) {
    const { server, production } = await startPortico(bench);
    const token = production.token(personOf(0));
    const [now, then] = [modern(token, "tools/call", CALL), legacy(token, "tools/call", CALL)];
    const env = rivalEnv(production);
    // Better than their examples have it: what a user of theirs who measures gets.
    const shared = { ...env, BENCH_SCHEMAS: "shared" };
    const measures = await compete(
      [
        await caller("Portico", server, now),
        await caller("floor", await startFloorLike(server, now, bench), now),
        await caller("SDK v2", await bench.start("rivals/sdk-v2.mts", env), now),
        // Neither knows the 2026-07-28 revision.
        await caller("SDK v1 stateless", await bench.start("rivals/sdk-v1-stateless.mts", env), then),
        await caller("SDK v2, schemas shared", await bench.start("rivals/sdk-v2.mts", shared), now),
        await caller("SDK v1 stateless, schemas shared", await bench.start("rivals/sdk-v1-stateless.mts", shared), then),
        await caller("fastmcp stateless", await bench.start("rivals/fastmcp.mts", env), then),
      ],
      bench,
    );
    return {
      tables: [{ name: "tools/call, 2026-07-28, one warm token", rows: rowsOf(measures) }],
      targets: [
        atLeast("tools/call: Portico / floor", rateRatio(measures, "Portico", "floor"), 0.7),
        atLeast("tools/call: Portico / SDK v2", rateRatio(measures, "Portico", "SDK v2"), 12),
        atLeast("tools/call: Portico / SDK v1 stateless", rateRatio(measures, "Portico", "SDK v1 stateless"), 16),
        atLeast("tools/call: Portico / SDK v2, schemas shared", rateRatio(measures, "Portico", "SDK v2, schemas shared"), 12),
        atLeast(
          "tools/call: Portico / SDK v1 stateless, schemas shared",
          rateRatio(measures, "Portico", "SDK v1 stateless, schemas shared"),
          16,
        ),
        atLeast("tools/call: Portico / fastmcp", rateRatio(measures, "Portico", "fastmcp stateless"), 16),
        atMost("tools/call: p99, Portico / SDK v1 stateless", of(measures, "Portico").p99 / of(measures, "SDK v1 stateless").p99, 1 / 12),
      ],
    };
  },
};
