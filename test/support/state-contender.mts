import { z } from "zod";
import { loadConfig } from "../../shared/config.ts";
import { createLog } from "../../shared/log.ts";
import { openState } from "../../shared/state/open.ts";

/**
 * `state-contender.mts STATE_URL NAME ROUNDS`: fights other processes for the same records and prints, as JSON, what it
 * was told: the totals of a shared counter, what it created, what it took, and the state keys.
 */
const [url = "", name = "", rounds = ""] = process.argv.slice(2);
const { store, keys } = await openState(loadConfig({ STATE_URL: url }), { clock: Date.now, log: createLog("error", 2) });
const counter = { name: "counter", codec: z.number() };
const prize = { name: "prize", codec: z.string() };
const totals: number[] = [];
const created: string[] = [];
const taken: string[] = [];
for (let round = 0; round < Number(rounds); round++) {
  totals.push(await store.increment(counter, { id: "shared" }, 1, Date.now() + 3_600_000));
  const id = `${round % 10}`;
  const value = `${name} ${round}`;
  if (await store.create(prize, { id }, value, null)) created.push(value);
  const won = await store.take(prize, { id: `${(round + 5) % 10}` });
  if (won) taken.push(won.value);
}
await store.close();
process.stdout.write(JSON.stringify({ totals, created, taken, keys }));
