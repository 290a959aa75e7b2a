import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createLog } from "../../../shared/log.ts";
import { openPostgres } from "../../../shared/state/postgres.ts";
import { openStore } from "../../../shared/state/store.ts";
import { type Pooler, startPgbouncer, whyNoPgbouncer } from "../../support/pgbouncer.mts";
import { type PostgresServer, query, startPostgres, whyNoPostgres } from "../../support/postgres.mts";
import { startLoad } from "../../support/postgres-load.mts";
import { describeStore } from "../../support/state-suite.mts";

const skip = whyNoPostgres() ?? whyNoPgbouncer() ?? false;

describe("behind PgBouncer in transaction mode", { skip }, () => {
  let server: PostgresServer;
  let pooler: Pooler;
  let url: string;
  before(async () => {
    server = await startPostgres();
    pooler = await startPgbouncer(server.port);
    url = `postgres://anyone@127.0.0.1:${pooler.port}/${await server.createDatabase()}`;
  });
  after(async () => {
    await pooler?.stop();
    await server?.remove();
  });

  describeStore("PostgreSQL", async (options) => openStore(await openPostgres(url), options));

  test("more clients than sessions share those, and nothing stays behind in a session", async (t) => {
    const [left, right] = [await openPostgres(url), await openPostgres(url)];
    t.after(() => Promise.all([left.close(), right.close()]));
    const row = { owner: "", id: "shared", expiresAt: Date.now() + 60_000 };
    const totals = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        (index % 2 ? left : right).increment("count", { ...row, version: `v${index}` }, 1, Date.now()),
      ),
    );
    assert.deepEqual(
      totals.sort((a, b) => a - b),
      totals.map((_, index) => index + 1),
    );
    const [sessions] = await query<{ count: number }>(
      server.url("postgres"),
      `SELECT count(*)::integer FROM pg_stat_activity WHERE datname = '${new URL(url).pathname.slice(1)}'`,
    );
    assert.ok(sessions && sessions.count >= 1 && sessions.count <= 3, `${sessions?.count} sessions`);
    const [kept] = await query<{ count: number }>(url, "SELECT count(*)::integer FROM pg_prepared_statements");
    assert.equal(kept?.count, 0);
  });

  test("a server that crashes and comes back loses nothing that was acknowledged and tells nobody a wrong no", {
    timeout: 60_000,
  }, async (t) => {
    const store = openStore(await openPostgres(url), { clock: Date.now, log: createLog("silent") });
    t.after(() => store.close());
    const load = startLoad(store, 8);
    await load.acknowledged(100);
    await server.crash();
    await load.acknowledged(100);
    const { acknowledged } = await load.endAndVerify();
    assert.ok(acknowledged >= 200);
  });
});
