import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { loadConfig } from "../../shared/config.ts";
import { createLog } from "../../shared/log.ts";
import { openState, type State } from "../../shared/state/open.ts";
import { eraseRecords } from "../../tools/admin/subjects-erasure.mts";
import { createPerson } from "../../tools/person.mts";
import { createClock, SECOND } from "../support/clock.mts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import { authorizationUrl, connect, DEVELOPMENT_CLIENT, isAlive, pkce, refresh } from "../support/oauth.mts";
import { admin, makeStateFolder } from "./admin-command.mts";

const folder = makeStateFolder();
const env = folder.env("subjects.db");
const clock = createClock();
let host: TestHost;
let state: State;
before(async () => {
  host = await startPlainHost({ clock, env });
  state = await openState(loadConfig({ NODE_ENV: "test", ...env }), { clock, log: createLog("silent") });
});
after(async () => {
  await state.store.close();
  await host.close();
  folder.remove();
});

const subjectOf = (refreshToken: string) => refreshToken.split(".")[0] ?? "";

async function run(...parameters: string[]): Promise<Record<string, unknown>> {
  const { status, stdout, stderr } = await admin(["subjects", ...parameters, "--json"], env);
  assert.equal(status, 0, stderr + stdout);
  return JSON.parse(stdout) as Record<string, unknown>;
}

function callTool(token: string, name: string, input: object): Promise<Response> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: input } });
  const headers = { "content-type": "application/json", accept: "application/json, text/event-stream", authorization: `Bearer ${token}` };
  return fetch(`${host.url}/mcp`, { method: "POST", body, headers });
}

// First, while the service's clock is not ahead of the command's.
test("a sign-out ends the sign-ins and tokens that there are, and no later ones", async () => {
  const carol = await connect(host.url, { email: "carol@example.com" });
  await run("sign-out", subjectOf(carol.refreshToken));
  clock.advance(60 * SECOND);
  assert.equal(await isAlive(host.url, carol.accessToken), false);
  assert.equal((await refresh(host.url, carol.client, carol.refreshToken)).body.error, "invalid_grant");
  const url = authorizationUrl(host.url, DEVELOPMENT_CLIENT, { code_challenge: pkce().challenge, code_challenge_method: "S256" });
  assert.match((await carol.person.open(url)).html, /action="[^"]*\/email"/);
  const again = await connect(host.url, { email: "carol@example.com", person: carol.person });
  assert.equal(await isAlive(host.url, again.accessToken), true);
});

test("people are listed with what an operator finds them by", async () => {
  const ann = await connect(host.url);
  const { subjects } = await run("list", "--email", "Ann@example.com");
  assert.deepEqual(subjects, [
    { subject: subjectOf(ann.refreshToken), emails: ["ann@example.com"], disabled: false, grants: 1, sessions: 1 },
  ]);
  assert.deepEqual((await run("list", "--email", "nobody@example.com"))["subjects"], []);
});

test("a disabled subject is out within ten seconds, cannot sign in, and is let in again", async () => {
  const bob = await connect(host.url, { email: "bob@example.com" });
  const subject = subjectOf(bob.refreshToken);
  assert.equal(await isAlive(host.url, bob.accessToken), true);
  await run("disable", subject);
  clock.advance(10 * SECOND);
  assert.equal(await isAlive(host.url, bob.accessToken), false);
  await run("enable", subject);
  clock.advance(10 * SECOND);
  assert.equal(await isAlive(host.url, bob.accessToken), true);
  assert.equal((await refresh(host.url, bob.client, bob.refreshToken)).status, 200);
});

test("an erased subject has no record of any kind left, and others have all of theirs", async () => {
  const dora = await connect(host.url, { email: "dora@example.com", parameters: { scope: "openid email todos:read todos:write" } });
  const other = await connect(host.url, { email: "other@example.com", parameters: { scope: "todos:read todos:write" } });
  const subject = subjectOf(dora.refreshToken);
  for (const { accessToken } of [dora, other]) {
    assert.equal((await callTool(accessToken, "create_todo", { title: "water the plants" })).status, 200);
  }
  await dora.person.open(
    authorizationUrl(host.url, DEVELOPMENT_CLIENT, { code_challenge: pkce().challenge, code_challenge_method: "S256" }),
  );
  const theirs = { name: "mcp_session", owner: subject, id: "s".repeat(43) };
  await put(theirs.name, theirs.owner, theirs.id, { client: "x" });
  await put("mcp_cancellation", theirs.id, "c".repeat(43), {});
  await put("feed", "", "changes", { items: [{ owner: subject }] });
  const before = await rows();
  const { kinds } = await run("erase", subject);
  assert.deepEqual(
    Object.keys(kinds as object).filter((kind) =>
      ["grant", "identity", "session", "transaction", "mcp_session", "mcp_cancellation"].includes(kind),
    ).length,
    6,
  );
  const left = (await rows()).filter(({ kind }) => kind !== "subject_state" && kind !== "feed");
  assert.ok(!left.some(({ owner, value }) => owner === subject || value.includes(subject) || value.includes("dora@example.com")));
  const gone = before.length - (await rows()).length;
  assert.ok(gone <= Object.values(kinds as Record<string, number>).reduce((sum, count) => sum + count, 0));
  clock.advance(10 * SECOND);
  assert.equal(await isAlive(host.url, dora.accessToken), false);
  assert.equal((await refresh(host.url, dora.client, dora.refreshToken)).body.error, "invalid_grant");
  assert.match(await (await callTool(other.accessToken, "list_todos", {})).text(), /water the plants/);
  const anew = await connect(host.url, { email: "dora@example.com", person: createPerson("dora@example.com") });
  assert.notEqual(subjectOf(anew.refreshToken), subject);
});

test("what a replica still wrote while the subject was erased is found afterwards", async () => {
  const subject = "late".padEnd(22, "x");
  await put("todo", subject, "one", {});
  const { records } = await eraseRecords(state, subject, () => put("todo", subject, "two", {}), clock);
  assert.deepEqual(records, { todo: 2 });
});

test("a record that an erased subject wrote leads to nobody else's, whatever it names", async () => {
  const eve = await connect(host.url, { email: "eve@example.com" });
  const victim = await connect(host.url, { email: "victim@example.com", parameters: { scope: "todos:read todos:write" } });
  assert.equal((await callTool(victim.accessToken, "create_todo", { title: "keep me" })).status, 200);
  const [theirs, others] = [subjectOf(eve.refreshToken), subjectOf(victim.refreshToken)];
  // As a client's own metadata document could have it, which is kept as it came.
  await put("client_document", "", "d".repeat(43), { url: "x", document: { client_name: theirs, pieces: others } });
  await put("note", theirs, others, {});
  await eraseRecords(state, theirs, () => Promise.resolve(), clock);
  assert.ok(!(await rows()).some(({ owner }) => owner === theirs));
  assert.match(await (await callTool(victim.accessToken, "list_todos", {})).text(), /keep me/);
  assert.equal((await refresh(host.url, victim.client, victim.refreshToken)).status, 200);
});

test("a subject that nothing is known of is said to be none, and nothing is written for it", async () => {
  for (const command of ["disable", "enable", "sign-out", "erase"]) {
    const { status, stderr } = await admin(["subjects", command, "nobody"], env);
    assert.equal(status, 1);
    assert.match(stderr, /there is no subject nobody/);
  }
  const dashed = await admin(["subjects", "disable", "-nobody", "--json"], env);
  assert.match(JSON.parse(dashed.stdout).error, /there is no subject -nobody/);
  assert.ok(!(await rows()).some(({ id }) => id === "nobody"));
});

async function put(kind: string, owner: string, id: string, value: object): Promise<void> {
  const row = { owner, id, value: JSON.stringify(value), version: "v", expiresAt: null };
  assert.equal(await state.driver.create(kind, row, clock()), true);
}

async function rows() {
  return (await state.driver.dump(undefined, 10_000, clock())).rows;
}
