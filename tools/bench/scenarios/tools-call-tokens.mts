import { rivalEnv, startFloorLike, startPortico } from "../contenders.mts";
import { inTurns, type NextRequest, wireOf } from "../load.mts";
import { CALL, modern } from "../mcp-requests.mts";
import { grantsOf, type Person, type Production, personOf } from "../production.mts";
import { always, compete, rateRatio, rowsOf } from "../rounds.mts";
import { atLeast, type Scenario } from "../scenario.mts";
import { caller } from "./tools-call.mts";

const PEOPLE = 1_000;
/** No server that verifies an RS256 signature a request is faster than this. */
const MOST_A_SECOND = 12_000;
/** Signing takes longer than verifying: a round may end early. */
const MOST_TOKENS = 16_000;

/** Calls with tokens that nobody has seen, signed before the round; when they are used up, it ends. */
export function unseenTokens({ token }: Production, personFor: (call: number) => Person, seconds: number): NextRequest {
  const wires = Array.from({ length: Math.min(MOST_TOKENS, Math.ceil(seconds * MOST_A_SECOND)) }, (_, call) =>
    wireOf(modern(token(personFor(call)), "tools/call", CALL)),
  );
  return () => wires.pop();
}

export const toolsCallTokens: Scenario = {
  about: "the same with 1,000 people's tokens in turn, and with a token never seen before each time",
  async run(bench) {
    const { server, production } = await startPortico(bench, { grants: grantsOf(PEOPLE) });
    const people = Array.from({ length: PEOPLE }, (_, number) => personOf(number));
    const requests = people.map((person) => modern(production.token(person), "tools/call", CALL));
    const one = requests[0] as (typeof requests)[number];
    const floor = await startFloorLike(server, one, bench);
    const inTurn = await compete(
      [
        { ...(await caller("Portico", server, one)), prepare: always(inTurns(requests)) },
        { ...(await caller("floor", floor, one)), prepare: always(inTurns(requests)) },
      ],
      bench,
    );
    const script = "rivals/floor-verify.mts";
    const verifying = await startFloorLike(server, one, bench, { script, env: rivalEnv(production) });
    const fresh = await compete(
      [
        {
          name: "Portico",
          server,
          prepare: (seconds) => unseenTokens(production, (call) => people[call % PEOPLE] as Person, seconds),
        },
        await caller("floor + verify", verifying, one),
      ],
      bench,
    );
    return {
      tables: [
        { name: "tools/call, 2026-07-28, 1,000 people's tokens in turn", rows: rowsOf(inTurn) },
        { name: "tools/call, 2026-07-28, a token never seen before each time", rows: rowsOf(fresh) },
      ],
      targets: [
        atLeast("tools/call, 1,000 tokens: Portico / floor", rateRatio(inTurn, "Portico", "floor"), 0.66),
        atLeast("tools/call, unseen tokens: Portico / (floor + verify)", rateRatio(fresh, "Portico", "floor + verify"), 0.85),
      ],
    };
  },
};
