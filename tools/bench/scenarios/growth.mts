import { ask } from "../ask.mts";
import { startFloorLike, startPortico } from "../contenders.mts";
import { inTurns, type NextRequest, wireOf } from "../load.mts";
import { CALL, modern } from "../mcp-requests.mts";
import { type KeptGrant, PUBLIC_APP, personOf } from "../production.mts";
import { always, type Contender, compete, of, rowsOf } from "../rounds.mts";
import { atMost, type Bench, type Scenario } from "../scenario.mts";
import { refresh, refreshable, refreshTokenIn } from "../token-requests.mts";
import { caller } from "./tools-call.mts";
import { unseenTokens } from "./tools-call-tokens.mts";

export const growthConnections: Scenario = {
  about: "tools/call over 1, 8, 32 and 64 connections",
  async run(bench) {
    const { server, production } = await startPortico(bench);
    const request = modern(production.token(personOf(0)), "tools/call", CALL);
    const floor = await startFloorLike(server, request, bench);
    const contenders: Contender[] = [];
    for (const connections of [64, 32, 8, 1]) {
      contenders.push({ ...(await caller(`Portico, ${connections}`, server, request)), options: { connections } });
      contenders.push({ ...(await caller(`floor, ${connections}`, floor, request)), options: { connections } });
    }
    const measures = await compete(contenders, bench);
    return { tables: [{ name: "tools/call by connections", rows: rowsOf(measures) }], targets: [] };
  },
};

export const growthResults: Scenario = {
  about: "tools/call with results of 1 KB to 1 MB (twice that on the wire, as text and as structured content): the floor",
  async run(bench) {
    const { server, production } = await startPortico(bench, { script: "portico.mts", env: { BENCH_EXTRA: "1" } });
    const token = production.token(personOf(0));
    const contenders: Contender[] = [];
    for (const length of [1_000, 10_000, 100_000, 1_000_000]) {
      const request = modern(token, "tools/call", { name: "give_text", arguments: { length } });
      const { body } = await ask(server, request);
      if (body.length < length || body.includes('"isError":true')) throw new Error(`no text: ${body.slice(0, 300)}`);
      const prepare = always(inTurns([request]));
      contenders.push({ name: `Portico, ${length}`, server, prepare });
      contenders.push({ name: `floor, ${length}`, server: await startFloorLike(server, request, bench), prepare });
    }
    const measures = await compete(contenders, bench);
    return { tables: [{ name: "tools/call by characters in the result", rows: rowsOf(measures) }], targets: [] };
  },
};

const FEW = 1_000;
const MANY = 1_000_000;
/** A prime, so that a walk by it meets everyone and nobody twice in a row of neighbours. */
const STRIDE = 7_919;
const CONNECTIONS = 32;

/** Every grant of so many people can be refreshed. */
function* refreshables(count: number): Generator<KeptGrant> {
  for (let number = 0; number < count; number++) yield refreshable(number, true);
}

/** Each request refreshes the next person's grant, of all that there are; no two connections the same one. */
function refreshAll(count: number): NextRequest {
  const share = Math.floor(count / CONNECTIONS);
  const tokens = new Map<number, string>();
  const lost = new Set<number>();
  const steps = Array.from({ length: CONNECTIONS }, () => 0);
  const numberAt = (connection: number, step: number) => connection * share + ((step * STRIDE) % share);
  return (last, connection) => {
    let step = steps[connection] ?? 0;
    const before = numberAt(connection, step - 1);
    if (last !== undefined) tokens.set(before, refreshTokenIn(last));
    // What a round got last nobody has read: the token from before would be a theft in the next.
    else if (step > 0) lost.add(before);
    while (lost.has(numberAt(connection, step))) step++;
    steps[connection] = step + 1;
    const number = numberAt(connection, step);
    return wireOf(refresh("/oauth/token", tokens.get(number) ?? refreshable(number, true).refreshToken, true));
  };
}

async function withGrants(count: number, bench: Bench) {
  bench.say(`growth-grants: writing ${count} grants`);
  const portico = await startPortico(bench, { grants: refreshables(count) });
  const { server, production } = portico;
  const claims = { client_id: PUBLIC_APP.id };
  const signing = { ...production, token: (person: Parameters<typeof production.token>[0]) => production.token(person, claims) };
  const evenly = (call: number) => personOf(((call % FEW) * (count / FEW)) % count);
  let calls = 0;
  const anyone = () => personOf((calls++ * STRIDE) % count);
  return {
    sameFew: { name: `tools/call, 1,000 people of ${count}`, server, prepare: (seconds: number) => unseenTokens(signing, evenly, seconds) },
    everyone: { name: `tools/call, ${count} people`, server, prepare: (seconds: number) => unseenTokens(signing, anyone, seconds) },
    refreshing: { name: `refresh, ${count} grants`, server, prepare: always(refreshAll(count)), options: { keepsReplies: true } },
  } satisfies Readonly<Record<string, Contender>>;
}

export const growthGrants: Scenario = {
  about: "CPU time a request with 1,000 and with 1,000,000 grants in SQLite: tools/call with unseen tokens, refresh",
  async run(bench) {
    const [few, many] = [await withGrants(FEW, bench), await withGrants(MANY, bench)];
    const measures = await compete([many.sameFew, few.sameFew, many.everyone, many.refreshing, few.refreshing], bench);
    const ratio = (one: Contender, other: Contender) => of(measures, one.name).cpu / of(measures, other.name).cpu;
    return {
      tables: [{ name: "by grants in the store", rows: rowsOf(measures) }],
      targets: [
        atMost("CPU of tools/call, the same 1,000 people: 1,000,000 grants / 1,000", ratio(many.sameFew, few.sameFew), 1.15),
        atMost("CPU of tools/call, everyone in turn: 1,000,000 grants / 1,000", ratio(many.everyone, few.sameFew), 1.15),
        atMost("CPU of refresh: 1,000,000 grants / 1,000", ratio(many.refreshing, few.refreshing), 1.15),
      ],
    };
  },
};
