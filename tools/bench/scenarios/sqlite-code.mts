import { once } from "node:events";
import { mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { atLeast, type Bench, median, rounded, type Scenario } from "../scenario.mts";
import { spawnServer } from "../server-process.mts";

const WRITES = ["codes", "appends"] as const;

/** Writes a second, in a process and a folder of its own. */
async function rateOf(writes: (typeof WRITES)[number], { folder, seconds }: Bench): Promise<number> {
  const place = mkdtempSync(join(folder, `${writes}-`));
  const logFile = join(place, "log");
  const child = spawnServer("rivals/durable.mts", { BENCH_WRITES: writes, BENCH_FOLDER: place, BENCH_SECONDS: String(seconds) }, logFile);
  const [code] = (await once(child, "exit")) as [number | null];
  const output = readFileSync(logFile, "utf8");
  const rate = Number(/^[\d.]+$/m.exec(output)?.[0]);
  if (code !== 0 || !(rate > 0)) throw new Error(`${writes} were not measured:\n${output}`);
  return rate;
}

export const sqliteCode: Scenario = {
  about: "a single-use code redeemed in SQLite, synchronous=FULL: bare appends of the same bytes with fdatasync",
  async run(bench) {
    const rates: Readonly<Record<(typeof WRITES)[number], number[]>> = { codes: [], appends: [] };
    for (let round = 0; round < bench.rounds; round++) {
      for (const writes of WRITES) rates[writes].push(await rateOf(writes, bench));
    }
    const [codes, appends] = [median(rates.codes), median(rates.appends)];
    return {
      tables: [
        {
          name: "durable writes, one after the other",
          rows: [
            { contender: "Portico's store, one replace", "writes/s": Math.round(codes), "it ÷ appends": rounded(codes / appends) },
            { contender: "append and fdatasync", "writes/s": Math.round(appends), "it ÷ appends": 1 },
          ],
        },
      ],
      targets: [atLeast("single-use code in SQLite: Portico's store / fdatasync appends", codes / appends, 0.9)],
    };
  },
};
