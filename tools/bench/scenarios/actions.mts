import { ask } from "../ask.mts";
import { startFloorLike, startPortico } from "../contenders.mts";
import { inTurns, type Request } from "../load.mts";
import { TOOL } from "../mcp-requests.mts";
import { ACTIONS, personOf } from "../production.mts";
import { always, compete, rateRatio, rowsOf } from "../rounds.mts";
import { atLeast, type Scenario } from "../scenario.mts";

/** The health check as a GPT Action. */
export function operation(token: string): Request {
  return { method: "GET", path: `/actions/${TOOL}`, headers: { accept: "application/json", authorization: `Bearer ${token}` } };
}

export const actions: Scenario = {
  about: "an authenticated GET of the same capability as a GPT Action: the floor",
  async run(bench) {
    const { server, production } = await startPortico(bench);
    const request = operation(production.token(personOf(0), { aud: ACTIONS }));
    const { body } = await ask(server, request);
    if (!body.includes('"status":"ok"')) throw new Error(`no health check: ${body.slice(0, 500)}`);
    const floor = await startFloorLike(server, request, bench);
    const prepare = always(inTurns([request]));
    const measures = await compete(
      [
        { name: "Portico", server, prepare },
        { name: "floor", server: floor, prepare },
      ],
      bench,
    );
    return {
      tables: [{ name: `GET /actions/${TOOL}`, rows: rowsOf(measures) }],
      targets: [atLeast("Actions GET: Portico / floor", rateRatio(measures, "Portico", "floor"), 0.7)],
    };
  },
};
