import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { createClock, SECOND } from "../support/clock.mts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import { type Connected, connect, refresh } from "../support/oauth.mts";

const folder = mkdtempSync(join(tmpdir(), "portico-outage-"));
const file = join(folder, "state.db");
const clock = createClock();
let host: TestHost;
let connected: Connected;
before(async () => {
  host = await startPlainHost({ clock, env: { STATE_URL: `sqlite:${file}` } });
  connected = await connect(host.url);
});
after(async () => {
  await host.close();
  rmSync(folder, { recursive: true });
});

/** Another process's long write: nobody else can write meanwhile. */
async function whileLocked<T>(work: () => Promise<T>): Promise<T> {
  const other = new DatabaseSync(file);
  other.exec("BEGIN EXCLUSIVE");
  try {
    return await work();
  } finally {
    other.exec("ROLLBACK");
    other.close();
  }
}

test("a refresh that cannot be written is a 503 with a time to wait, never a lost login", async () => {
  const reply = await whileLocked(() => refresh(host.url, connected.client, connected.refreshToken));
  assert.equal(reply.status, 503);
  assert.equal(reply.body.error, "temporarily_unavailable");
  assert.match(reply.headers.get("retry-after") ?? "", /^\d+$/);
  const again = await refresh(host.url, connected.client, connected.refreshToken);
  assert.equal(again.status, 200);
  connected = { ...connected, accessToken: again.body.access_token, refreshToken: again.body.refresh_token };
});

test("an authorization that cannot be written is a page that says so", async () => {
  const url = `${host.url}/oauth/authorize?client_id=${connected.client.id}&redirect_uri=${encodeURIComponent(connected.client.redirectUri)}&response_type=code&code_challenge=${"a".repeat(43)}&code_challenge_method=S256`;
  const reply = await whileLocked(() => fetch(url, { redirect: "manual" }));
  assert.equal(reply.status, 503);
  assert.match(reply.headers.get("content-type") ?? "", /^text\/html/);
  assert.ok(reply.headers.get("retry-after"));
  await reply.body?.cancel();
});

test("a request that does not say who it is from fails alone, and takes nothing down with it", async () => {
  const unheard: unknown[] = [];
  const hear = (reason: unknown) => unheard.push(reason);
  process.on("unhandledRejection", hear);
  const forms = ["", "client_assertion=x", "client_id=x&client_secret=y"];
  const headers = { authorization: "Basic eDp5", "content-type": "application/x-www-form-urlencoded" };
  const statuses = await whileLocked(() =>
    Promise.all(
      forms.map(async (form, index) => {
        const body = `grant_type=authorization_code&code=aaaaaaaa.bbbbbbbb.cccccccc&${form}`;
        const sent = index === 2 ? headers : { "content-type": headers["content-type"] };
        return (await fetch(`${host.url}/oauth/token`, { method: "POST", body, headers: sent })).status;
      }),
    ),
  );
  await host.service.store.close();
  const failed = await fetch(`${host.url}/oauth/token`, {
    method: "POST",
    body: new URLSearchParams("grant_type=authorization_code&code=aaaaaaaa.bbbbbbbb.cccccccc"),
  });
  process.off("unhandledRejection", hear);
  assert.deepEqual([...statuses, failed.status], [401, 401, 400, 401]);
  assert.deepEqual(unheard, []);
});

test("a token whose grant cannot be read is a 503, neither refused nor let in", async () => {
  clock.advance(11 * SECOND);
  const closed = await startPlainClosed();
  assert.equal(closed.status, 503);
});

/** The store is closed under the running service: every read fails. */
async function startPlainClosed(): Promise<Response> {
  await host.service.store.close();
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" });
  const headers = {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    authorization: `Bearer ${connected.accessToken}`,
  };
  return fetch(`${host.url}/mcp`, { method: "POST", body, headers });
}
