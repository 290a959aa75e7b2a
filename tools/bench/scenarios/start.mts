import { mkdtempSync, readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { rivalEnv } from "../contenders.mts";
import { wireOf } from "../load.mts";
import { createProduction, grantsOf, writeGrants } from "../production.mts";
import { atMost, type Bench, median, rounded, type Scenario } from "../scenario.mts";
import { end, spawnServer } from "../server-process.mts";

/** Beside one that fills the compile cache and is not counted. */
const STARTS = 9;
/** Milliseconds between two attempts. */
const ATTEMPT_EVERY = 1;
const HEALTH = wireOf({ method: "GET", path: "/health", headers: {} });

interface Starter {
  readonly name: string;
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A port that is free now. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

/** Whether the server at this port answers a GET with 200; false when nobody listens yet. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true }, () => socket.write(HEALTH));
    socket.once("data", (piece) => {
      resolve(piece.toString("latin1").startsWith("HTTP/1.1 200"));
      socket.destroy();
    });
    socket.on("error", () => resolve(false));
    socket.on("close", () => resolve(false));
  });
}

/** Milliseconds from the start of the process to its first 200. */
async function timeOf({ script, env }: Starter, { folder }: Bench): Promise<number> {
  const port = await freePort();
  const logFile = join(mkdtempSync(join(folder, "start-")), "log");
  const start = performance.now();
  const child = spawnServer(script, { NODE_ENV: "production", ...env, PORT: String(port) }, logFile);
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`${script} ended:\n${readFileSync(logFile, "utf8")}`);
    await pause(ATTEMPT_EVERY);
  }
  const time = performance.now() - start;
  await end(child);
  return time;
}

export const start: Scenario = {
  about: "from the start of the process to the first 200 of a plain GET: bare node:http, SDK v1 with Express",
  async run(bench) {
    const production = createProduction(bench.folder);
    await writeGrants(production.stateFile, grantsOf(1_000));
    const starters: readonly Starter[] = [
      { name: "Portico", script: "../start.mjs", env: production.env },
      { name: "bare node:http, JavaScript", script: "rivals/bare.mjs", env: {} },
      { name: "SDK v1, Express", script: "rivals/sdk-v1-stateless.mts", env: rivalEnv(production) },
    ];
    const times = new Map<string, number[]>(starters.map(({ name }) => [name, []]));
    for (const starter of starters) await timeOf(starter, bench);
    for (let n = 0; n < STARTS; n++) {
      for (const starter of starters) times.get(starter.name)?.push(await timeOf(starter, bench));
    }
    const medians = [...times].map(([name, all]) => ({ name, time: median(all) }));
    const [portico = 0, bare = 0, sdk = 0] = medians.map(({ time }) => time);
    return {
      tables: [
        {
          name: `start to the first 200, median of ${STARTS}`,
          rows: medians.map(({ name, time }) => ({ contender: name, ms: Math.round(time), "Portico ÷ it": rounded(portico / time) })),
        },
      ],
      targets: [
        atMost("start to first 200: Portico / bare node:http", portico / bare, 1.5),
        atMost("start to first 200: Portico / SDK v1 with Express", portico / sdk, 0.4),
      ],
    };
  },
};
