import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";
import { createLog } from "../../../shared/log.ts";
import { openPostgres } from "../../../shared/state/postgres.ts";
import type { PostgresOptions } from "../../../shared/state/postgres-connection.ts";
import { checkPostgres, MIGRATION_LOCK } from "../../../shared/state/postgres-schema.ts";
import { openStore, type Store, Unavailable } from "../../../shared/state/store.ts";
import {
  asServerUser,
  newServerFolder,
  type PostgresServer,
  query,
  startPostgres,
  whyNoPostgres,
  withClient,
} from "../../support/postgres.mts";
import { createBench, MINUTE, newKind, note } from "../../support/state-bench.mts";
import { describeStore } from "../../support/state-suite.mts";

const OPENER = fileURLToPath(import.meta.resolve("../../support/postgres-opener.mts"));
const IMPATIENT: PostgresOptions = { timeout: 500, patience: 200 };

describe("on a server of its own,", { skip: whyNoPostgres() ?? false }, () => {
  let server: PostgresServer;
  let contract: string;
  let certificates: string;
  before(async () => {
    certificates = newServerFolder();
    const certificate = makeCertificate(certificates);
    server = await startPostgres({ ssl: "on", ssl_cert_file: certificate, ssl_key_file: join(certificates, "key.pem") });
    contract = server.url(await server.createDatabase());
  });
  after(async () => {
    await server?.remove();
    rmSync(certificates, { recursive: true });
  });

  describeStore("PostgreSQL", async (options) => openStore(await openPostgres(contract), options));

  const newUrl = async () => server.url(await server.createDatabase());

  describe("a store on PostgreSQL", () => {
    test("has what was written to it when it is opened again, and is Unavailable once it is closed", async (t) => {
      const [url, kind] = [await newUrl(), newKind()];
      const first = await openOne(t, url);
      await first.create(kind, { id: "a", owner: "ann" }, note("one"), Date.now() + MINUTE);
      const entry = await first.get(kind, { id: "a", owner: "ann" });
      await first.close();
      await first.close();
      await assert.rejects(first.get(kind, { id: "a", owner: "ann" }), Unavailable);
      await assert.rejects(first.create(kind, { id: "b" }, note("two"), null), Unavailable);
      assert.deepEqual(await (await openOne(t, url)).get(kind, { id: "a", owner: "ann" }), entry);
    });

    test("ends what is under way before it closes", async (t) => {
      const [url, kind] = [await newUrl(), newKind()];
      const store = await openOne(t, url);
      const writes = Array.from({ length: 5 }, (_, index) => store.create(kind, { id: `${index}` }, note(index), null));
      await new Promise(setImmediate);
      await store.close();
      assert.deepEqual(await Promise.all(writes), [true, true, true, true, true]);
    });

    test("does not stop at a row that is not JSON", async (t) => {
      const [url, kind] = [await newUrl(), newKind()];
      const bench = createBench(async (options) => openStore(await openPostgres(url), options));
      await bench.open();
      t.after(bench.close);
      for (const id of ["a", "b", "c"]) await bench.store.create(kind, { id, owner: "ann" }, note(id), null);
      await query(url, `UPDATE portico.records SET value = '{"text": "the secret' WHERE id = 'b'`);
      assert.equal(await bench.store.get(kind, { id: "b", owner: "ann" }), undefined);
      assert.deepEqual(
        (await bench.store.list(kind, "ann")).entries.map(({ id }) => id),
        ["a", "c"],
      );
      assert.equal(bench.lines.length, 2);
      assert.doesNotMatch(JSON.stringify(bench.lines), /the secret/);
    });

    test("keeps counters as whole numbers far beyond 32 bits", async (t) => {
      const store = await openOne(t, await newUrl());
      const counter = { name: "counter", codec: z.int() };
      await store.increment(counter, { id: "a" }, 2 ** 52, Date.now() + MINUTE);
      assert.equal(await store.increment(counter, { id: "a" }, 1, Date.now() + MINUTE), 2 ** 52 + 1);
      assert.equal((await store.get(counter, { id: "a" }))?.value, 2 ** 52 + 1);
    });

    test("takes any text for the cursor of a list", async (t) => {
      const [store, kind] = [await openOne(t, await newUrl()), newKind()];
      for (const id of ["a", "b", "c"]) await store.create(kind, { id, owner: "ann" }, note(id), null);
      for (const [cursor, left] of [
        ["a\0z", ["b", "c"]],
        ["\0", ["a", "b", "c"]],
        ["b\ud800", ["c"]],
      ] as const) {
        assert.deepEqual(
          (await store.list(kind, "ann", cursor)).entries.map(({ id }) => id),
          left,
        );
      }
    });

    test("dumps the live records of all kinds, page by page", async (t) => {
      const driver = await openPostgres(await newUrl());
      t.after(() => driver.close());
      const now = Date.now();
      const rows = ["a", "b", "c"].flatMap((kind) =>
        ["", "ann"].map((owner) => ({
          kind,
          owner,
          id: "é",
          value: "1",
          version: `${kind}${owner}`,
          expiresAt: owner ? now + MINUTE : null,
        })),
      );
      for (const { kind, ...row } of rows) await driver.create(kind, row, now);
      await driver.create("b", { owner: "old", id: "x", value: "1", version: "v", expiresAt: now + 1 }, now);
      const dumped: unknown[] = [];
      let cursor: string | undefined;
      do {
        const page = await driver.dump(cursor, 4, now + 1);
        dumped.push(...page.rows);
        cursor = page.cursor;
      } while (cursor !== undefined);
      assert.deepEqual(dumped, rows);
    });
  });

  describe("processes that start together on an empty database", () => {
    test("migrate it once, one after the other", async () => {
      const url = await newUrl();
      const lock = MIGRATION_LOCK.join(", ");
      const opened = await withClient(url, async (run) => {
        await run(`SELECT pg_advisory_lock(${lock})`);
        const openers = [1, 2, 3].map(() => promisify(execFile)(process.execPath, [OPENER, url]));
        const waiting = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
        while ((await run(waiting)).length < openers.length);
        await run(`SELECT pg_advisory_unlock(${lock})`);
        return Promise.all(openers);
      });
      for (const { stdout, stderr } of opened) assert.deepEqual([stdout, stderr], ["", ""]);
      assert.equal((await query(url, "SELECT version FROM portico.schema_version")).length, 1);
      assert.deepEqual(await faultsOf(url), []);
    });
  });

  describe("a database", () => {
    test("of a newer release is refused and left as it is", async () => {
      const url = await newUrl();
      await (await openPostgres(url)).close();
      await query(url, "UPDATE portico.schema_version SET version = 99");
      await assertRefused(url, /schema has version 99 .* newer/);
      assert.deepEqual(await query(url, "SELECT version FROM portico.schema_version"), [{ version: 99 }]);
      assert.match((await faultsOf(url)).join(), /^schema: .*version 99/);
    });

    for (const [setting, reason] of [
      ["default_transaction_read_only = on", /takes no writes/],
      ["synchronous_commit = off", /synchronous_commit is off/],
    ] as const) {
      test(`with ${setting} is refused`, async () => {
        const name = await server.createDatabase();
        await query(server.url("postgres"), `ALTER DATABASE ${name} SET ${setting}`);
        await assertRefused(server.url(name), reason);
        assert.match((await faultsOf(server.url(name))).join(), /^server: /);
      });
    }

    test("that has no room for every character is refused", async () => {
      await query(server.url("postgres"), "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
      await assertRefused(server.url("latin"), /encoding is LATIN1/);
    });

    test("that is not there, or whose server is not, is refused with its name and the reason", async () => {
      await assertRefused(server.url("nowhere"), /database "nowhere" does not exist/);
      await assertRefused("postgres://someone:the-secret@127.0.0.1:1/state", /^127\.0\.0\.1:1\/state: .*ECONNREFUSED/);
      assert.match((await faultsOf(server.url("nowhere"))).join(), /^connection: .*does not exist/);
    });

    test("that lost an index is told so by a check", async () => {
      const url = await newUrl();
      await (await openPostgres(url)).close();
      await query(url, "DROP INDEX portico.records_expires_at");
      assert.deepEqual(await faultsOf(url), ["indexes: missing or not valid: records_expires_at"]);
    });
  });

  describe("a role", () => {
    test("that may not make the schema is told what it needs, and can be given an empty one", async () => {
      const [name, role] = [await server.createDatabase(), "maker"];
      await query(server.url(name), `CREATE ROLE ${role} LOGIN`);
      await assertRefused(server.url(name, role), /permission denied for database .* give the role CREATE/);
      await query(server.url(name), `CREATE SCHEMA portico AUTHORIZATION ${role}`);
      await (await openPostgres(server.url(name, role))).close();
      assert.deepEqual(await faultsOf(server.url(name, role)), []);
    });

    test("that may only read and write runs on a schema that another made, and a check names what it lacks", async (t) => {
      const [name, role] = [await server.createDatabase(), "runner"];
      const [owner, limited] = [server.url(name), server.url(name, role)];
      await query(owner, `CREATE ROLE ${role} LOGIN`);
      assert.match((await faultsOf(limited)).join(), /^schema: .*version 0/);
      await (await openPostgres(owner)).close();
      assert.match((await faultsOf(limited)).join(), /^schema: permission denied for schema portico; give the role USAGE/);
      await query(owner, `GRANT USAGE ON SCHEMA portico TO ${role}`, `GRANT SELECT ON ALL TABLES IN SCHEMA portico TO ${role}`);
      assert.deepEqual(await faultsOf(limited), ["permissions: the role needs INSERT, UPDATE, DELETE on portico.records"]);
      const store = await openOne(t, limited);
      await assert.rejects(store.create(newKind(), { id: "a" }, note("one"), null), Unavailable);
      await query(owner, `GRANT INSERT, UPDATE, DELETE ON portico.records TO ${role}`);
      assert.deepEqual(await faultsOf(limited), []);
      assert.equal(await store.create(newKind(), { id: "a" }, note("one"), null), true);
    });
  });

  describe("a connection", () => {
    test("is encrypted to the server that its certificate names, whichever mode of TLS is asked for", async (t) => {
      const url = await newUrl();
      const warnings: Error[] = [];
      const listen = (warning: Error) => warnings.push(warning);
      process.on("warning", listen);
      t.after(() => process.off("warning", listen));
      for (const mode of ["require", "verify-ca", "verify-full", "prefer"]) {
        await assertRefused(`${url}?sslmode=${mode}`, /self-signed certificate.*; add sslrootcert=FILE/);
        const trusted = `${url}?sslmode=${mode}&sslrootcert=${join(certificates, "certificate.pem")}`;
        await assertRefused(trusted.replace("127.0.0.1", "localhost"), /does not match certificate's altnames/);
        const driver = await openPostgres(trusted);
        t.after(() => driver.close());
        const sessions = `SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'portico' AND datname = current_database()`;
        const seen = await query(url, sessions);
        assert.ok(seen.length > 0);
        for (const session of seen) assert.deepEqual(session, { ssl: true });
      }
      await new Promise(setImmediate);
      assert.deepEqual(warnings, []);
    });

    test("may go through a socket of this machine", async (t) => {
      const [name, kind] = [await server.createDatabase(), newKind()];
      const store = await openOne(t, `postgresql://postgres@/${name}?host=${server.folder}&port=${server.port}`);
      assert.equal(await store.create(kind, { id: "a" }, note("one"), null), true);
      await assertRefused(`postgresql://postgres@/${name}?host=${server.folder}/nothing`, /portico-postgres-.*\/nothing\/state_.*ENOENT/);
    });

    test("to another machine is made only when the URL says whether it is encrypted", async () => {
      for (const host of ["db.example", "10.0.0.5", "[2001:db8::1]"]) {
        await assertRefused(`postgres://someone:the-secret@${host}/state`, /sslmode=verify-full .* sslmode=disable/);
      }
    });
  });

  test("what is not the URL of a database is refused without repeating it", async () => {
    for (const url of ["", "postgres", "mysql://someone:the-secret@localhost/state", "postgres://someone:the-secret@local host/state"]) {
      await assertRefused(url, /write it as postgres:/);
    }
  });
});

interface Test {
  after(clean: () => Promise<void>): void;
}

async function openOne(t: Test, url: string): Promise<Store> {
  const store = openStore(await openPostgres(url), { clock: Date.now, log: createLog("silent") });
  t.after(() => store.close());
  return store;
}

async function assertRefused(url: string, message: RegExp): Promise<void> {
  await assert.rejects(openPostgres(url, IMPATIENT), (error: Error) => {
    assert.equal(error.name, "StateDatabaseError");
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /the-secret/);
    return true;
  });
}

async function faultsOf(url: string): Promise<string[]> {
  return (await checkPostgres(url, IMPATIENT)).flatMap(({ name, fault }) => (fault === undefined ? [] : [`${name}: ${fault}`]));
}

/** A key and a certificate for 127.0.0.1, signed with itself. */
function makeCertificate(folder: string): string {
  const certificate = join(folder, "certificate.pem");
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"];
  const args = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", join(folder, "key.pem"), "-out", certificate, ...subject];
  execFileSync("openssl", args, { ...asServerUser(), cwd: folder, stdio: "ignore" });
  return certificate;
}
