import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createLog } from "../../../shared/log.ts";
import { grantKind } from "../../../shared/state/records.ts";
import { openSqlite } from "../../../shared/state/sqlite.ts";
import { type Entry, openStore } from "../../../shared/state/store.ts";
import { writeGrants } from "../production.mts";
import { redeemable } from "../token-requests.mts";

/**
 * Durable writes, one after the other, for BENCH_SECONDS in BENCH_FOLDER; prints how many a second. BENCH_WRITES is
 * `codes`: pending grants that become active by one compare-and-set of the store, each once, as a code is redeemed; or
 * `appends`: the bytes of such a grant appended to a file and `fdatasync`ed.
 */
const folder = process.env["BENCH_FOLDER"] ?? "";
const seconds = Number(process.env["BENCH_SECONDS"]);
/** More than any disk syncs in a second. */
const MOST_A_SECOND = 30_000;
const AT_ONCE = 2_000;

async function codes(): Promise<number> {
  const file = join(folder, "state.db");
  const grants = Array.from({ length: Math.min(200_000, Math.ceil(seconds * MOST_A_SECOND)) }, (_, number) => redeemable(number));
  await writeGrants(file, grants);
  const store = openStore(await openSqlite(file), { clock: Date.now, log: createLog("error", 2) });
  let [done, spent] = [0, 0];
  while (spent < seconds * 1000 && done < grants.length) {
    const some = grants.slice(done, done + AT_ONCE);
    const entries: (Entry<(typeof some)[number]["grant"]> | undefined)[] = [];
    for (const { subject: owner, grantId: id } of some) entries.push(await store.get(grantKind, { owner, id }));
    const start = performance.now();
    for (const [index, { subject: owner, grantId: id, grant }] of some.entries()) {
      const written = await store.replace(
        grantKind,
        { owner, id },
        entries[index]?.version ?? "",
        { ...grant, state: "active" },
        Date.now() + 3_600_000,
      );
      if (!written) throw new Error("a code was not redeemed");
      done++;
      if (spent + performance.now() - start > seconds * 1000) break;
    }
    spent += performance.now() - start;
  }
  await store.close();
  return done / (spent / 1000);
}

function appends(): number {
  const file = openSync(join(folder, "appends"), "a");
  const bytes = Buffer.from(JSON.stringify(redeemable(0).grant));
  let done = 0;
  const start = performance.now();
  while (performance.now() - start < seconds * 1000) {
    writeSync(file, bytes);
    fdatasyncSync(file);
    done++;
  }
  const rate = done / ((performance.now() - start) / 1000);
  closeSync(file);
  return rate;
}

process.stdout.write(JSON.stringify(process.env["BENCH_WRITES"] === "codes" ? await codes() : appends()));
