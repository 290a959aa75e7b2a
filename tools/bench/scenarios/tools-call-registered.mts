import { rivalEnv, startPorticoWith } from "../contenders.mts";
import { CALL, legacy, modern } from "../mcp-requests.mts";
import { personOf } from "../production.mts";
import { type Contender, compete, rateRatio, rowsOf } from "../rounds.mts";
import { atLeast, type Scenario } from "../scenario.mts";
import { caller } from "./tools-call.mts";

export const toolsCallRegistered: Scenario = {
  about: "the same call with 1 and with 50 tools registered; the SDKs with 1 and 12",
  async run(bench) {
    const contenders: Contender[] = [];
    for (const tools of [50, 1]) {
      const { server, production } = await startPorticoWith(tools, bench);
      const token = production.token(personOf(0));
      contenders.push(await caller(`Portico, ${tools}`, server, modern(token, "tools/call", CALL)));
      if (tools !== 1) continue;
      for (const registered of [12, 1]) {
        const env = { ...rivalEnv(production), BENCH_TOOLS: String(registered) };
        const [v2, v1] = [await bench.start("rivals/sdk-v2.mts", env), await bench.start("rivals/sdk-v1-stateless.mts", env)];
        contenders.push(await caller(`SDK v2, ${registered}`, v2, modern(token, "tools/call", CALL)));
        contenders.push(await caller(`SDK v1 stateless, ${registered}`, v1, legacy(token, "tools/call", CALL)));
      }
    }
    const measures = await compete(contenders, bench);
    return {
      tables: [{ name: "tools/call by how many tools are registered", rows: rowsOf(measures) }],
      targets: [atLeast("tools/call: Portico with 50 tools / with one", rateRatio(measures, "Portico, 50", "Portico, 1"), 0.97)],
    };
  },
};
