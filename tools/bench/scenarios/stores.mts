import { randomBytes } from "node:crypto";
import { createLog } from "../../../shared/log.ts";
import { openDynamo } from "../../../shared/state/dynamodb.ts";
import { createTable } from "../../../shared/state/dynamodb-table.ts";
import { openPostgres } from "../../../shared/state/postgres.ts";
import { grantKind } from "../../../shared/state/records.ts";
import { type Driver, openStore, type Store } from "../../../shared/state/store.ts";
import { startPortico } from "../contenders.mts";
import { startDynalite } from "../dynalite.mts";
import { writeGrants } from "../production.mts";
import { type Contender, compete, rowsOf } from "../rounds.mts";
import { type Bench, rounded, type Scenario } from "../scenario.mts";
import { measureStores } from "../stores.mts";
import { refresher, type Write } from "./token.mts";

export const stores: Scenario = {
  about: "operations of every store: the bare library on the same database",
  async run({ rounds, seconds, say }) {
    const measures = await measureStores(rounds, seconds, say);
    const rows = measures.map(({ store, portico, bare, ratio }) => ({
      store,
      "operations/s": Math.round(portico),
      "bare library": Math.round(bare),
      "of the bare library": rounded(ratio),
    }));
    return { tables: [{ name: "operations of the stores", rows }], targets: [] };
  },
};

/** Writes grants through the store, as another replica would. */
function writeTo(store: Store, written: { owner: string; id: string }[]): Write {
  return async (grants) => {
    for (const { subject: owner, grantId: id, grant } of grants) {
      // An earlier run may have left it.
      await store.take(grantKind, { owner, id });
      if (!(await store.create(grantKind, { owner, id }, grant, grant.idleExpiresAt ?? null))) throw new Error("a grant was not written");
      written.push({ owner, id });
    }
  };
}

interface Remote {
  readonly name: string;
  readonly stateUrl: string;
  readonly driver: Driver;
}

/** The environment that AWS's own client reads, for a server that needs it. */
function awsEnv(): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(process.env).filter((pair): pair is [string, string] => pair[0].startsWith("AWS_")));
}

async function remoteStores(dynamo: string, isDynalite: boolean, say: Bench["say"]): Promise<readonly Remote[]> {
  const region = process.env["AWS_REGION"] ?? "us-east-1";
  const stateUrl = `dynamodb://portico-bench-${randomBytes(6).toString("hex")}?${new URLSearchParams({ region, endpoint: dynamo })}`;
  await createTable(stateUrl);
  const name = isDynalite ? "Portico on DynamoDB (dynalite)" : "Portico on DynamoDB";
  const remotes: Remote[] = [{ name, stateUrl, driver: await openDynamo(stateUrl) }];
  const postgres = process.env["BENCH_POSTGRES_URL"];
  if (!postgres) say("PostgreSQL is left out: BENCH_POSTGRES_URL names no database (postgres://…)");
  else remotes.push({ name: "Portico on PostgreSQL", stateUrl: postgres, driver: await openPostgres(postgres) });
  return remotes;
}

export const refreshStores: Scenario = {
  about: "refresh a second, rotating, through the whole service on each store (dynalite runs beside the load and takes most of it)",
  async run(bench) {
    const endpoint = process.env["BENCH_DYNAMODB_URL"];
    const dynalite = endpoint ? undefined : await startDynalite();
    const opened: { readonly store: Store; readonly written: { owner: string; id: string }[] }[] = [];
    try {
      const sqlite = await startPortico(bench, { grants: [] });
      const contenders: Contender[] = [
        refresher("Portico on SQLite", sqlite, true, (grants) => writeGrants(sqlite.production.stateFile, grants)),
      ];
      for (const { name, stateUrl, driver } of await remoteStores(endpoint || dynalite?.endpoint || "", !endpoint, bench.say)) {
        const one = { store: openStore(driver, { clock: Date.now, log: createLog("error", 2) }), written: [] };
        opened.push(one);
        const portico = await startPortico(bench, { grants: [], env: { ...awsEnv(), STATE_URL: stateUrl } });
        contenders.push(refresher(name, portico, true, writeTo(one.store, one.written)));
      }
      return { tables: [{ name: "refresh by store", rows: rowsOf(await compete(contenders, bench)) }], targets: [] };
    } finally {
      for (const { store, written } of opened) {
        for (const key of written) await store.take(grantKind, key);
        await store.close();
      }
      await dynalite?.close();
    }
  },
};
