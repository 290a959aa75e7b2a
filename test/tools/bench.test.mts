import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { createLog } from "../../shared/log.ts";
import { grantKind } from "../../shared/state/records.ts";
import { openSqlite } from "../../shared/state/sqlite.ts";
import { openStore } from "../../shared/state/store.ts";
import { ask, begin } from "../../tools/bench/ask.mts";
import { type Portico, startPortico } from "../../tools/bench/contenders.mts";
import { beginSession, CALL, legacy, modern } from "../../tools/bench/mcp-requests.mts";
import { ACTIONS, grantsOf, personOf } from "../../tools/bench/production.mts";
import { type Bench, openBench } from "../../tools/bench/scenario.mts";
import { operation } from "../../tools/bench/scenarios/actions.mts";
import { redeem, redeemable, refresh, refreshable } from "../../tools/bench/token-requests.mts";

/** A revocation takes effect everywhere within this many milliseconds. */
const REVOKED_WITHIN = 10_000;
/** The log is written while the service goes on; by now it is. */
const LOGGED_WITHIN = 5_000;
const TOKEN = "/oauth/token";

describe("what benchmarks measure", () => {
  let bench: Bench & { close(): Promise<void> };
  let portico: Portico;
  const code = redeemable(100);
  const refreshing = refreshable(101, true);

  before(async () => {
    bench = openBench({ rounds: 1, seconds: 1, calls: 1 }, () => {});
    const grants = [...grantsOf(3), code, refreshing];
    portico = await startPortico(bench, { grants, script: "portico.mts", env: { BENCH_EXTRA: "1" } });
  });
  after(() => bench.close());

  const call = (token: string) => modern(token, "tools/call", CALL);

  async function statusOf(token: string): Promise<number | undefined> {
    const response = await begin(portico.server, call(token));
    response.resume();
    return response.statusCode;
  }

  test("a good token is let in: modern, in a session and as an Action", async () => {
    const { server, production } = portico;
    const token = production.token(personOf(0));
    const session = await beginSession(server, token);
    for (const request of [
      call(token),
      legacy(token, "tools/call", CALL, session),
      operation(production.token(personOf(0), { aud: ACTIONS })),
    ]) {
      assert.match((await ask(server, request)).body, /"status":"ok"/);
    }
  });

  test("a forged signature is refused, also after the good one", async () => {
    const token = portico.production.token(personOf(0));
    assert.equal(await statusOf(token), 200);
    const at = token.length - 100;
    const other = token[at] === "A" ? "B" : "A";
    assert.equal(await statusOf(token.slice(0, at) + other + token.slice(at + 1)), 401);
  });

  test("an expired token, another audience's, another issuer's and a stranger's are refused", async () => {
    const { token } = portico.production;
    const now = Math.floor(Date.now() / 1000);
    assert.equal(await statusOf(token(personOf(0), { iat: now - 60, exp: now - 1 })), 401);
    assert.equal(await statusOf(token(personOf(0), { aud: ACTIONS })), 401);
    assert.equal(await statusOf(token(personOf(0), { iss: "https://other.example.com" })), 401);
    assert.equal(await statusOf(token(personOf(7))), 401, "nobody gave this one a grant");
  });

  test("a token that was let in expires on time", async () => {
    const token = portico.production.token(personOf(0), { exp: Math.floor(Date.now() / 1000) + 2 });
    assert.equal(await statusOf(token), 200);
    const end = performance.now() + 5_000;
    while ((await statusOf(token)) === 200 && performance.now() < end) await pause(100);
    assert.equal(await statusOf(token), 401);
  });

  test("input and output that do not fit their schemas are refused", async () => {
    const { server, production } = portico;
    const token = production.token(personOf(0));
    const give = (name: string, given: object) => ask(server, modern(token, "tools/call", { name, arguments: given }));
    assert.match((await give("give_text", { length: 3 })).body, /"text":"xxx"/);
    assert.match((await give("give_text", { length: "three" })).body, /"isError":true|"code":-32602/);
    const { body } = await give("give_bad_output", { query: "anything" });
    assert.match(body, /"isError":true|"code":-32603/);
    assert.doesNotMatch(body, /"structuredContent"/);
  });

  test("a grant that another replica ended lets nobody in after ten seconds", async () => {
    const { production } = portico;
    const { subject, grantId } = personOf(1);
    const token = production.token(personOf(1));
    assert.equal(await statusOf(token), 200);
    const store = openStore(await openSqlite(production.stateFile), { clock: Date.now, log: createLog("error", 2) });
    const entry = await store.get(grantKind, { owner: subject, id: grantId });
    assert.ok(entry);
    const dead = { ...entry.value, state: "dead" as const, diedAt: Date.now(), diedOf: "revoked" };
    assert.ok(await store.replace(grantKind, { owner: subject, id: grantId }, entry.version, dead, entry.expiresAt));
    await store.close();
    const end = performance.now() + REVOKED_WITHIN;
    while ((await statusOf(token)) === 200 && performance.now() < end) await pause(200);
    assert.equal(await statusOf(token), 401);
    assert.equal(await statusOf(production.token(personOf(1))), 401, "nor with a token never seen before");
  });

  test("a code is good once, a refresh token of a public client is replaced", async () => {
    const { server } = portico;
    const first = JSON.parse((await ask(server, redeem(TOKEN, code.code))).body);
    assert.match(first.access_token, /^eyJ/);
    await ask(server, redeem(TOKEN, code.code), 400);
    const next = JSON.parse((await ask(server, refresh(TOKEN, refreshing.refreshToken, true))).body);
    assert.notEqual(next.refresh_token, refreshing.refreshToken);
    await ask(server, refresh(TOKEN, next.refresh_token, true));
    await ask(server, refresh(TOKEN, `${refreshing.refreshToken}x`, true), 400);
  });

  test("every call has its line in the log", async () => {
    const { server, production } = portico;
    const token = production.token(personOf(2));
    for (let n = 0; n < 20; n++) await ask(server, call(token));
    const lines = () => server.log().match(new RegExp(`"subject":"${personOf(2).subject}"`, "g"))?.length;
    const end = performance.now() + LOGGED_WITHIN;
    while (lines() !== 20 && performance.now() < end) await pause(50);
    assert.equal(lines(), 20);
  });

  test("calls are counted", async () => {
    const counted = await startPortico(bench, { env: { CALLS_PER_MINUTE: "4" } });
    const token = counted.production.token(personOf(0));
    assert.match((await ask(counted.server, call(token))).body, /"status":"ok"/);
    const { statusCode } = await begin(counted.server, call(token)).then((response) => response.resume());
    const refused = statusCode === 200 ? (await ask(counted.server, call(token))).body : String(statusCode);
    assert.match(refused, /rate_limited|Too many calls|429/);
  });
});

describe("npm run bench", () => {
  const run = (...parameters: readonly string[]) =>
    promisify(execFile)(process.execPath, [join(import.meta.dirname, "../../tools/bench/bench.mts"), ...parameters]);

  test("lists its scenarios, and names them when it is given another", async () => {
    const { stdout } = await run("--list");
    const names = stdout
      .trim()
      .split("\n")
      .map((line) => line.split(" ")[0]);
    for (const name of ["tools-call", "tools-list", "refresh", "start", "memory", "streams", "growth-grants", "refresh-stores"]) {
      assert.ok(names.includes(name), name);
    }
    await assert.rejects(run("no-such-scenario"), (error: { code: number; stderr: string }) => {
      assert.equal(error.code, 2);
      for (const name of names) assert.ok(error.stderr.includes(name ?? ""), name);
      return true;
    });
  });

  test("measures every contender of a scenario and gives each target a verdict", async () => {
    const { stdout } = await run("tools-call", "--rounds", "1", "--seconds", "0.2", "--json");
    const { node, cpu, versions, scenarios } = JSON.parse(stdout);
    assert.equal(node, process.version);
    assert.ok(cpu);
    assert.match(versions.fastmcp, /^\d/);
    const [{ scenario, tables, targets }] = scenarios;
    assert.equal(scenario, "tools-call");
    const rows = tables[0].rows as readonly { readonly contender: string; readonly "requests/s": number }[];
    assert.deepEqual(
      rows.map(({ contender }) => contender),
      ["Portico", "floor", "SDK v2", "SDK v1 stateless", "SDK v2, schemas shared", "SDK v1 stateless, schemas shared", "fastmcp stateless"],
    );
    for (const row of rows) assert.ok(row["requests/s"] > 0, row.contender);
    assert.equal(targets.length, 7);
    for (const { name, target, ratio, met } of targets) {
      assert.match(name, /^tools\/call/);
      const bound = Number(target.slice(3));
      assert.ok(ratio > 0);
      assert.equal(typeof met, "boolean");
      if (Math.abs(ratio - bound) > 0.01) assert.equal(met, target.startsWith(">=") ? ratio > bound : ratio < bound);
    }
  });
});
