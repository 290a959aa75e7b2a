import { setTimeout as pause } from "node:timers/promises";
import { rivalEnv, startFloorLike, startPortico } from "../contenders.mts";
import { inTurns, measure, type NextRequest, type Request } from "../load.mts";
import { CALL, legacy, modern } from "../mcp-requests.mts";
import { personOf } from "../production.mts";
import { atMost, median, rounded, type Scenario } from "../scenario.mts";
import type { ServerProcess } from "../server-process.mts";

const MIB = 1024 * 1024;
/** A server is idle after this many milliseconds. */
const SETTLED = 3_000;
/** What is compiled and cached by the first calls is no growth. */
const FIRST_CALLS = 20_000;
const CALLS_OF_GROWTH = 100_000;
const FOREVER = 86_400;

/** Sends so many requests. */
async function call(server: ServerProcess, request: Request, times: number): Promise<void> {
  const next = inTurns([request]);
  let left = times;
  const counted: NextRequest = (...given) => (left-- > 0 ? next(...given) : undefined);
  await measure(server, counted, { seconds: FOREVER });
}

/** Resident memory in MiB once the server is idle: the median of some looks. */
async function settledMemory(server: ServerProcess): Promise<number> {
  await pause(SETTLED);
  const looks: number[] = [];
  for (let n = 0; n < 5; n++) {
    looks.push(server.memory() / MIB);
    await pause(100);
  }
  return median(looks);
}

export const memory: Scenario = {
  about: "resident memory idle and after --calls calls; heap growth over 100,000 calls with forced collections",
  async run(bench) {
    const { server, production } = await startPortico(bench);
    const token = production.token(personOf(0));
    const [now, then] = [modern(token, "tools/call", CALL), legacy(token, "tools/call", CALL)];
    // Nobody has asked the idle ones anything.
    const fresh = await startPortico(bench);
    const env = rivalEnv(production);
    const contenders = [
      { name: "Portico", idle: fresh.server, called: server, request: now, calls: bench.calls },
      {
        name: "floor",
        idle: await startFloorLike(server, now, bench),
        called: await startFloorLike(server, now, bench),
        request: now,
        calls: bench.calls,
      },
    ];
    const v1 = await bench.start("rivals/sdk-v1-stateless.mts", env);
    const v2 = await bench.start("rivals/sdk-v2.mts", env);
    const slow = [
      { name: "SDK v1 stateless", idle: v1, called: v1, request: then, calls: Math.min(bench.calls, FIRST_CALLS) },
      { name: "SDK v2", idle: v2, called: v2, request: now, calls: Math.min(bench.calls, FIRST_CALLS) },
    ];
    const found: { readonly name: string; readonly idle: number; readonly after: number; readonly calls: number }[] = [];
    for (const { name, idle, called, request, calls } of [...contenders, ...slow]) {
      bench.say(`memory: ${name}, ${calls} calls`);
      const before = await settledMemory(idle);
      await call(called, request, calls);
      found.push({ name, idle: before, after: await settledMemory(called), calls });
    }
    const growth = await heapGrowth(bench);
    const [portico, floor] = found;
    return {
      tables: [
        {
          name: "resident memory",
          rows: found.map(({ name, idle, after, calls }) => ({
            contender: name,
            "idle MiB": rounded(idle),
            "after calls MiB": rounded(after),
            calls,
          })),
        },
        {
          name: "heap of Portico after a collection",
          rows: [{ "before MiB": rounded(growth.before / MIB), "after MiB": rounded(growth.after / MIB), calls: CALLS_OF_GROWTH }],
        },
      ],
      targets: [
        atMost("memory idle: Portico / floor", (portico?.idle ?? 0) / (floor?.idle ?? 0), 1.3),
        atMost(`memory after ${bench.calls} calls: Portico / floor`, (portico?.after ?? 0) / (floor?.after ?? 0), 1.3),
        atMost(`heap growth over ${CALLS_OF_GROWTH} calls, MiB`, (growth.after - growth.before) / MIB, 2),
      ],
    };
  },
};

async function heapGrowth(bench: Parameters<Scenario["run"]>[0]): Promise<{ readonly before: number; readonly after: number }> {
  const { server, production } = await startPortico(bench, { env: { NODE_OPTIONS: "--inspect=127.0.0.1:0" } });
  const request = modern(production.token(personOf(0)), "tools/call", CALL);
  await call(server, request, FIRST_CALLS);
  const before = await server.heap();
  await call(server, request, CALLS_OF_GROWTH);
  return { before, after: await server.heap() };
}
