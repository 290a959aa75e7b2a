import { rivalEnv, startFloorLike, startPortico } from "../contenders.mts";
import { inTurns, type Request } from "../load.mts";
import { beginSession, CALL, legacy } from "../mcp-requests.mts";
import { personOf } from "../production.mts";
import { always, type Contender, compete, rateRatio, rowsOf } from "../rounds.mts";
import { atLeast, type Scenario } from "../scenario.mts";
import type { ServerProcess } from "../server-process.mts";
import { caller } from "./tools-call.mts";

const SESSIONS = 32;

/** Calls in as many sessions as there are connections, in turns. */
async function inSessions(name: string, server: ServerProcess, token: string): Promise<Contender> {
  const requests: Request[] = [];
  for (let n = 0; n < SESSIONS; n++) requests.push(legacy(token, "tools/call", CALL, await beginSession(server, token)));
  const checked = await caller(name, server, requests[0] as Request);
  return { ...checked, prepare: always(inTurns(requests)) };
}

export const toolsCallSession: Scenario = {
  about: "an authenticated tools/call, 2025-11-25, in a session: the floor, SDK v1 with sessions over SSE",
  async run(bench) {
    const { server, production } = await startPortico(bench);
    const token = production.token(personOf(0));
    const portico = await inSessions("Portico", server, token);
    const request = legacy(token, "tools/call", CALL, await beginSession(server, token));
    const measures = await compete(
      [
        portico,
        await caller("floor", await startFloorLike(server, request, bench), request),
        await inSessions("SDK v1 sessions", await bench.start("rivals/sdk-v1-sessions.mts", rivalEnv(production)), token),
      ],
      bench,
    );
    return {
      tables: [{ name: "tools/call, 2025-11-25, 32 sessions of one person", rows: rowsOf(measures) }],
      targets: [
        atLeast("tools/call in a session: Portico / floor", rateRatio(measures, "Portico", "floor"), 0.7),
        atLeast("tools/call in a session: Portico / SDK v1 sessions", rateRatio(measures, "Portico", "SDK v1 sessions"), 7),
      ],
    };
  },
};
