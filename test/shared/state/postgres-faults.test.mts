import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { createLog } from "../../../shared/log.ts";
import { openPostgres } from "../../../shared/state/postgres.ts";
import type { PostgresOptions } from "../../../shared/state/postgres-connection.ts";
import { openStore, type Store, Unavailable } from "../../../shared/state/store.ts";
import { type PostgresServer, query, startPostgres, whyNoPostgres, withClient } from "../../support/postgres.mts";
import { startLoad } from "../../support/postgres-load.mts";
import { type FaultyProxy, startProxy } from "../../support/postgres-proxy.mts";
import { idsOf, MINUTE, newCounter, newKind, note, version } from "../../support/state-bench.mts";

const IMPATIENT: PostgresOptions = { timeout: 200, patience: 200 };

describe("PostgreSQL", { skip: whyNoPostgres() ?? false }, () => {
  let server: PostgresServer;
  let url: string;
  let proxy: FaultyProxy;
  /** Through the proxy. */
  let store: Store;
  /** Past the proxy. */
  let other: Store;

  before(async () => {
    server = await startPostgres();
    url = server.url(await server.createDatabase());
    proxy = await startProxy(server.port);
    other = await open(url);
    store = await open(throughProxy());
  });
  after(async () => {
    await Promise.all([store?.close(), other?.close()]);
    await proxy?.close();
    await server?.remove();
  });
  beforeEach(() => assert.equal(proxy.armed(), 0));

  const throughProxy = () => url.replace(`:${server.port}/`, `:${proxy.port}/`);

  async function open(at: string, options?: PostgresOptions): Promise<Store> {
    return openStore(await openPostgres(at, options), { clock: Date.now, log: createLog("silent") });
  }

  describe("when the connection is cut before the server gets a statement", () => {
    test("get, list, scan and sweep are asked again", async () => {
      const kind = newKind();
      await other.create(kind, { id: "a", owner: "ann" }, note("one"), null);
      proxy.arm("request");
      assert.deepEqual((await store.get(kind, { id: "a", owner: "ann" }))?.value, note("one"));
      proxy.arm("request");
      assert.deepEqual(idsOf(await store.list(kind, "ann")), ["a"]);
      proxy.arm("request");
      assert.deepEqual(idsOf(await store.scan(kind)), ["a"]);
      proxy.arm("request");
      assert.equal(await store.sweep(10), 0);
    });

    test("replace is sent again", async () => {
      const kind = newKind();
      await other.create(kind, { id: "a" }, note("one"), null);
      proxy.arm("request");
      assert.equal(await store.replace(kind, { id: "a" }, await version(other, kind, { id: "a" }), note("two"), null), true);
      assert.deepEqual((await other.get(kind, { id: "a" }))?.value, note("two"));
    });

    test("create, take and increment are Unavailable and never applied later", async () => {
      const [kind, counter] = [newKind(), newCounter()];
      await other.create(kind, { id: "there" }, note("one"), null);
      await other.increment(counter, { id: "a" }, 5, Date.now() + MINUTE);
      proxy.arm("request");
      await assert.rejects(store.create(kind, { id: "a" }, note("one"), null), isUnavailable);
      proxy.arm("request");
      await assert.rejects(store.take(kind, { id: "there" }), isUnavailable);
      proxy.arm("request");
      await assert.rejects(store.increment(counter, { id: "a" }, 1, Date.now() + MINUTE), isUnavailable);
      assert.equal(await other.get(kind, { id: "a" }), undefined);
      assert.deepEqual((await other.get(kind, { id: "there" }))?.value, note("one"));
      assert.equal((await other.get(counter, { id: "a" }))?.value, 5);
    });
  });

  describe("when the connection is cut after the commit and before the answer", () => {
    test("create, replace and increment find their own write and succeed, once", async () => {
      const [kind, counter] = [newKind(), newCounter()];
      proxy.arm("answer");
      assert.equal(await store.create(kind, { id: "a" }, note("one"), null), true);
      proxy.arm("answer");
      assert.equal(await store.replace(kind, { id: "a" }, await version(other, kind, { id: "a" }), note("two"), null), true);
      assert.deepEqual((await other.get(kind, { id: "a" }))?.value, note("two"));
      proxy.arm("answer");
      assert.equal(await store.increment(counter, { id: "a" }, 3, Date.now() + MINUTE), 3);
      proxy.arm("answer");
      assert.equal(await store.increment(counter, { id: "a" }, 3, Date.now() + MINUTE), 6);
      assert.equal((await other.get(counter, { id: "a" }))?.value, 6);
    });

    test("a replace that ends a record finds its own write", async () => {
      const kind = newKind();
      await other.create(kind, { id: "a" }, note("one"), null);
      proxy.arm("answer");
      assert.equal(await store.replace(kind, { id: "a" }, await version(other, kind, { id: "a" }), note("one"), Date.now()), true);
      assert.equal(await other.get(kind, { id: "a" }), undefined);
    });

    test("a replace whose first attempt got lost and whose second got no answer is applied once and succeeds", async () => {
      const kind = newKind();
      await other.create(kind, { id: "a" }, note("one"), null);
      const first = await version(other, kind, { id: "a" });
      for (const fault of ["request", "none", "answer"] as const) proxy.arm(fault);
      assert.equal(await store.replace(kind, { id: "a" }, first, note("two"), null), true);
      assert.deepEqual((await other.get(kind, { id: "a" }))?.value, note("two"));
    });

    test("a replace whose first attempt comes through after all, before the second, is applied once and succeeds", async () => {
      const kind = newKind();
      await other.create(kind, { id: "a" }, note("one"), null);
      const first = await version(other, kind, { id: "a" });
      for (const fault of ["late", "none", "after late"] as const) proxy.arm(fault);
      assert.equal(await store.replace(kind, { id: "a" }, first, note("two"), null), true);
      assert.deepEqual((await other.get(kind, { id: "a" }))?.value, note("two"));
    });

    test("take is Unavailable: nobody gets the record twice", async () => {
      const kind = newKind();
      await other.create(kind, { id: "a" }, note("one"), null);
      proxy.arm("answer");
      await assert.rejects(store.take(kind, { id: "a" }), isUnavailable);
      assert.equal(await other.take(kind, { id: "a" }), undefined);
    });

    test("a replace that got lost and then lost the race is Unavailable, for its first attempt may have won before", async () => {
      const kind = newKind();
      await other.create(kind, { id: "a" }, note("one"), null);
      const first = await version(other, kind, { id: "a" });
      const goOn = async () => other.replace(kind, { id: "a" }, await version(other, kind, { id: "a" }), note("three"), null);
      for (const fault of ["late", "none"] as const) proxy.arm(fault);
      proxy.arm("after late", goOn);
      await assert.rejects(store.replace(kind, { id: "a" }, first, note("two"), null), isUnavailable);
      assert.deepEqual((await other.get(kind, { id: "a" }))?.value, note("three"));
    });

    test("a created record that another took meanwhile is not made again", async () => {
      const kind = newKind();
      proxy.arm("answer", () => other.take(kind, { id: "a" }));
      await assert.rejects(store.create(kind, { id: "a" }, note("one"), null), isUnavailable);
      assert.equal(await other.get(kind, { id: "a" }), undefined);
    });

    test("a replace that another went on from is Unavailable and not a wrong false", async () => {
      const kind = newKind();
      await other.create(kind, { id: "a" }, note("one"), null);
      const first = await version(other, kind, { id: "a" });
      const goOn = async () => other.replace(kind, { id: "a" }, await version(other, kind, { id: "a" }), note("three"), null);
      proxy.arm("answer", goOn);
      await assert.rejects(store.replace(kind, { id: "a" }, first, note("two"), null), isUnavailable);
      assert.deepEqual((await other.get(kind, { id: "a" }))?.value, note("three"));
    });

    test("an increment that another went on from is Unavailable and counted once", async () => {
      const counter = newCounter();
      proxy.arm("answer", () => other.increment(counter, { id: "a" }, 1, Date.now() + MINUTE));
      await assert.rejects(store.increment(counter, { id: "a" }, 1, Date.now() + MINUTE), isUnavailable);
      assert.equal((await other.get(counter, { id: "a" }))?.value, 2);
    });
  });

  describe("when the server is slow", () => {
    test("what has no answer in time is asked again or found to be written", async (t) => {
      const [kind, counter] = [newKind(), newCounter()];
      const hasty = await open(throughProxy(), { timeout: 200 });
      t.after(() => hasty.close());
      proxy.arm("silence");
      assert.equal(await hasty.create(kind, { id: "a" }, note("one"), null), true);
      proxy.arm("silence");
      assert.deepEqual((await hasty.get(kind, { id: "a" }))?.value, note("one"));
      proxy.arm("silence");
      assert.equal(await hasty.increment(counter, { id: "a" }, 1, Date.now() + MINUTE), 1);
      proxy.arm("silence");
      await assert.rejects(hasty.take(kind, { id: "a" }), isUnavailable);
    });

    test("what waits for a lock too long is Unavailable, not applied, and leaves nothing waiting on the server", async (t) => {
      const kind = newKind();
      const hasty = await open(url, IMPATIENT);
      t.after(() => hasty.close());
      await hasty.create(kind, { id: "a" }, note("one"), null);
      const first = await version(hasty, kind, { id: "a" });
      await withClient(url, async (run) => {
        await run("BEGIN");
        await run("SELECT * FROM portico.records FOR UPDATE");
        const refusal = assert.rejects(hasty.replace(kind, { id: "a" }, first, note("two"), null), (error: Error) => {
          assert.equal((error.cause as { code?: string }).code, "57014");
          return isUnavailable(error);
        });
        await assert.rejects(hasty.take(kind, { id: "a" }), isUnavailable);
        await refusal;
        assert.equal((await hasty.get(kind, { id: "a" }))?.version, first);
        const waiting = "SELECT pid FROM pg_stat_activity WHERE application_name = 'portico' AND wait_event_type = 'Lock'";
        assert.deepEqual(await query(url, waiting), []);
      });
      assert.equal(await hasty.replace(kind, { id: "a" }, first, note("two"), null), true);
    });
  });

  describe("when the server turns to others", () => {
    test("a role that has no connection left waits for one, and is Unavailable when patience ends", async (t) => {
      const [kind, database] = [newKind(), new URL(url).pathname.slice(1)];
      await query(url, "CREATE ROLE busy LOGIN CONNECTION LIMIT 1");
      await query(url, "GRANT USAGE ON SCHEMA portico TO busy", "GRANT ALL ON ALL TABLES IN SCHEMA portico TO busy");
      const hasty = await open(server.url(database, "busy"), IMPATIENT);
      t.after(() => hasty.close());
      await query(url, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'busy'");
      await withClient(server.url(database, "busy"), async () => {
        await assert.rejects(hasty.get(kind, { id: "a" }), (error: Error) => {
          assert.equal((error.cause as { code?: string }).code, "53300");
          return isUnavailable(error);
        });
      });
      // The server lets a session go a moment after the client has left.
      const patient = await open(server.url(database, "busy"));
      t.after(() => patient.close());
      assert.equal(await patient.create(kind, { id: "a" }, note("one"), null), true);
    });

    test("connections that an operator ends are made again", async () => {
      const kind = newKind();
      await store.create(kind, { id: "a" }, note("one"), null);
      for (let round = 0; round < 5; round++) {
        const reads = Array.from({ length: 20 }, () => store.get(kind, { id: "a" }));
        await query(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'portico'");
        for (const entry of await Promise.all(reads)) assert.deepEqual(entry?.value, note("one"));
      }
    });

    test("a pool has no more connections than it may, however many ask", async (t) => {
      const database = await server.createDatabase();
      const small = await open(server.url(database), { connections: 2 });
      t.after(() => small.close());
      const counter = newCounter();
      await Promise.all(Array.from({ length: 60 }, () => small.increment(counter, { id: "a" }, 1, Date.now() + MINUTE)));
      const sessions = await query(server.url("postgres"), `SELECT pid FROM pg_stat_activity WHERE datname = '${database}'`);
      assert.equal(sessions.length, 2);
    });

    test("a stricter isolation level makes conflicts, which are tried again", async (t) => {
      const database = await server.createDatabase();
      await query(server.url("postgres"), `ALTER DATABASE ${database} SET default_transaction_isolation = 'serializable'`);
      const [left, right] = await Promise.all([open(server.url(database)), open(server.url(database))]);
      t.after(() => Promise.all([left.close(), right.close()]));
      const counter = newCounter();
      const adds = Array.from({ length: 60 }, (_, index) =>
        (index % 2 ? left : right).increment(counter, { id: "a" }, 1, Date.now() + MINUTE),
      );
      const totals = await Promise.all(adds);
      assert.deepEqual(
        totals.sort((a, b) => a - b),
        totals.map((_, index) => index + 1),
      );
    });

    test("a standby behind the same address answers nothing, not even that a record is absent", async (t) => {
      const kind = newKind();
      const hasty = await open(throughProxy(), { ...IMPATIENT, timeout: 2_000 });
      t.after(() => hasty.close());
      await hasty.create(kind, { id: "a", owner: "ann" }, note("one"), null);
      const standby = await server.startStandby();
      t.after(() => proxy.lead(server.port));
      proxy.lead(standby.port);
      for (const operation of [
        () => hasty.get(kind, { id: "a", owner: "ann" }),
        () => hasty.get(kind, { id: "never" }),
        () => Promise.all([hasty.get(kind, { id: "never" }), hasty.get(kind, { id: "nor this" })]),
        () => hasty.list(kind, "ann"),
        () => hasty.list(kind, "nobody"),
        () => hasty.scan(newKind()),
        () => hasty.create(kind, { id: "b" }, note("two"), null),
        () => hasty.take(kind, { id: "a", owner: "ann" }),
        () => hasty.increment(newCounter(), { id: "a" }, 1, Date.now() + MINUTE),
        () => hasty.sweep(1),
      ]) {
        await assert.rejects(operation(), isUnavailable);
      }
      await assert.rejects(openPostgres(standby.url(new URL(url).pathname.slice(1))), {
        name: "StateDatabaseError",
        message: /is a standby/,
      });
      proxy.lead(server.port);
      assert.deepEqual((await hasty.take(kind, { id: "a", owner: "ann" }))?.value, note("one"));
    });
  });

  describe("when the server stops", () => {
    test("every operation is Unavailable, and works again once it is back", async (t) => {
      const kind = newKind();
      const hasty = await open(url, IMPATIENT);
      t.after(() => hasty.close());
      await hasty.create(kind, { id: "a" }, note("one"), null);
      const first = await version(hasty, kind, { id: "a" });
      await server.stop();
      for (const operation of [
        () => hasty.get(kind, { id: "a" }),
        () => hasty.create(kind, { id: "b" }, note("two"), null),
        () => hasty.replace(kind, { id: "a" }, first, note("two"), null),
        () => hasty.take(kind, { id: "a" }),
        () => hasty.increment(newCounter(), { id: "a" }, 1, Date.now() + MINUTE),
        () => hasty.list(kind, ""),
      ]) {
        await assert.rejects(operation(), (error: Error) => isUnavailable(error) && error.cause instanceof Error);
      }
      const patient = store.get(kind, { id: "a" });
      await server.start();
      assert.equal((await patient)?.version, first);
      assert.equal(await hasty.replace(kind, { id: "a" }, first, note("two"), null), true);
    });

    test("without a goodbye, three times under load, it loses nothing that was acknowledged and tells nobody a wrong no", {
      timeout: 60_000,
    }, async () => {
      const load = startLoad(store, 12);
      for (let crashes = 0; crashes < 3; crashes++) {
        await load.acknowledged(150);
        await server.crash();
      }
      await load.acknowledged(150);
      const { acknowledged } = await load.endAndVerify();
      assert.ok(acknowledged >= 600);
    });
  });
});

function isUnavailable(error: unknown): boolean {
  return error instanceof Unavailable;
}
