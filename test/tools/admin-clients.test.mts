import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { loadConfig } from "../../shared/config.ts";
import { newClient } from "../../tools/admin/clients-new.mts";
import { makeKey, startClientSite } from "../auth/clients/client-site.mts";
import { type SpawnedService, spawnService } from "../support/host.mts";
import { authorizationUrl, connect, isAlive, pkce, postForm, refresh, registerClient, type TestClient } from "../support/oauth.mts";
import { admin, makeStateFolder, type StateFolder } from "./admin-command.mts";

/** An operator at work beside a running service. */

const OPERATORS = JSON.stringify([
  {
    client_id: "written-down",
    client_secret: "a-secret-of-thirty-two-characters-or-more",
    redirect_uris: ["https://app.example/cb"],
    trusted: true,
  },
]);

let folder: StateFolder;
let service: SpawnedService;
let env: Readonly<Record<string, string>>;
before(async () => {
  folder = makeStateFolder();
  env = { ...folder.env("state.db"), LOOPBACK_FETCH: "on", OAUTH_CLIENTS_JSON: OPERATORS };
  service = await spawnService({ env: { ...env, SHARED_EGRESS: "127.0.0.0/8 ::1/128" } });
});
after(async () => {
  await service.stop();
  folder.remove();
});

async function run(...parameters: string[]) {
  const { status, stdout, stderr } = await admin(["clients", ...parameters, "--json"], env);
  const report = status === 2 ? {} : JSON.parse(stdout);
  return { status, report, stderr, stdout };
}

/** What liveness has read may be ten seconds old: a deadline, not a wait. */
async function becomes(wanted: boolean, accessToken: string): Promise<void> {
  const deadline = Date.now() + 11_000;
  while ((await isAlive(service.url, accessToken)) !== wanted) {
    assert.ok(Date.now() < deadline, `the token is not ${wanted ? "alive" : "dead"} after ten seconds`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function begins(client: TestClient): Promise<boolean> {
  const parameters = { code_challenge: pkce().challenge, code_challenge_method: "S256" };
  return (await fetch(authorizationUrl(service.url, client, parameters), { redirect: "manual" })).status === 303;
}

test("a client that is added works at once, and its secret is shown once and kept nowhere", async () => {
  const redirectUri = "https://added.example/callback";
  const added = await run(
    "add",
    "added",
    "--name",
    "An added one",
    "--redirects",
    redirectUri,
    "--scopes",
    "openid todos:read",
    "--without-pkce",
  );
  assert.equal(added.status, 0, added.stdout);
  const secret = added.report.client_secret;
  assert.match(secret, /^[\w-]{43}$/);
  const { reply } = await connect(service.url, { client: { id: "added", secret, redirectUri } });
  assert.equal(reply.body.scope, "openid todos:read");
  for (const shown of [await run("list"), await run("show", "added")]) {
    assert.ok(!shown.stdout.includes(secret));
    assert.ok(!/hash/i.test(shown.stdout));
  }
  assert.ok(!added.stderr.includes(secret));
  assert.match(added.stderr, /"event":"client_changed".*"client":"added"/);
  const again = await run("add", "added", "--redirects", redirectUri);
  assert.equal(again.status, 1);
  assert.match(again.report.error, /already/);
});

test("what is wrong with a client to add is all said at once", async () => {
  const config = loadConfig({ OAUTH_CLIENTS_JSON: OPERATORS });
  const redirects = "https://a.example/";
  const wrong: readonly [id: string, options: Readonly<Record<string, string | boolean>>, because: RegExp][] = [
    ["x", {}, /redirect/],
    ["x", { redirects: "http://app.example/cb javascript:alert(1)" }, /http:\/\/app\.example\/cb must be https.*\n.*javascript/],
    ["x", { redirects, method: "tls_client_auth" }, /token_endpoint_auth_method/],
    ["x", { redirects, method: "private_key_jwt" }, /jwks/],
    ["x", { redirects, method: "private_key_jwt", "keys-url": "https://10.0.0.1/keys" }, /not public/],
    ["x", { redirects, method: "none", "without-pkce": true }, /PKCE/],
    ["x", { redirects: "http://127.0.0.1/", method: "none", trusted: true }, /trusted/],
    ["x", { grants: "client_credentials", method: "none" }, /authenticates/],
    ["x", { redirects, resources: "everything" }, /resources/],
    ["https://a.example/client.json", { redirects }, /metadata document/],
    ["written-down", { redirects }, /configuration/],
  ];
  for (const [id, options, because] of wrong) assert.throws(() => newClient(config, id, options, undefined, 0), because);
  const failed = await run("add", "x");
  assert.equal(failed.status, 1);
  assert.match(failed.report.error, /redirect_uris/);
});

test("a machine's keys come from a file or an address", async () => {
  const { publicJwk } = await makeKey("m", "ES256");
  writeFileSync(folder.path("keys.json"), JSON.stringify({ keys: [publicJwk] }));
  const machine = ["--grants", "client_credentials", "--method", "private_key_jwt"];
  const added = await run("add", "machine", ...machine, "--keys", folder.path("keys.json"));
  assert.equal(added.status, 0, added.stdout);
  assert.equal(added.report.client_secret, undefined);
  assert.equal((await run("add", "machine-2", ...machine, "--keys-url", "https://machine.example/keys.json")).status, 0);
  const shown = await run("show", "machine");
  assert.deepEqual(shown.report.client.kids, ["m"]);
  assert.deepEqual(shown.report.client.grant_types, ["client_credentials"]);
  assert.equal((await run("add", "machine-3", ...machine, "--keys", folder.path("nowhere.json"))).status, 1);
});

test("a Custom GPT is added by its callback, for both hosts, and again with a new secret", async () => {
  const first = await run("add-gpt", "https://chat.openai.com/aip/g-admin/oauth/callback");
  assert.equal(first.status, 0, first.stdout);
  const second = await run("add-gpt", "https://chatgpt.com/aip/g-admin/oauth/callback");
  assert.equal(second.report.client_id, first.report.client_id);
  assert.deepEqual(second.report.redirect_uris, [
    "https://chatgpt.com/aip/g-admin/oauth/callback",
    "https://chat.openai.com/aip/g-admin/oauth/callback",
  ]);
  for (const redirectUri of second.report.redirect_uris) {
    await connect(service.url, { client: { id: second.report.client_id, secret: second.report.client_secret, redirectUri } });
  }
  const credentials = { token: "x", client_id: first.report.client_id, client_secret: first.report.client_secret };
  assert.equal((await postForm(`${service.url}/oauth/revoke`, credentials)).status, 401);
  for (const callback of ["https://evil.example/aip/g-x/oauth/callback", "https://chatgpt.com/aip/*/oauth/callback", "x"]) {
    assert.equal((await run("add-gpt", callback)).status, 1, callback);
  }
});

test("a disabled client's tokens stop within ten seconds, and go on when it is enabled", async () => {
  const client = await registerClient(service.url);
  const { accessToken, refreshToken } = await connect(service.url, { client });
  assert.equal((await run("disable", client.id)).status, 0);
  await becomes(false, accessToken);
  assert.equal((await refresh(service.url, client, refreshToken)).body.error, "invalid_client");
  assert.equal(await begins(client), false);
  const { clients } = (await run("list")).report;
  assert.equal(clients.find((listed: { client_id: string }) => listed.client_id === client.id).disabled, true);
  assert.equal((await run("enable", client.id)).status, 0);
  await becomes(true, accessToken);
  assert.equal(await begins(client), true);
});

test("what a client lost for good does not come back", async () => {
  const client = await registerClient(service.url);
  const { accessToken, refreshToken } = await connect(service.url, { client });
  assert.equal((await run("disable", client.id, "--revoke")).status, 0);
  assert.equal((await run("enable", client.id)).status, 0);
  await becomes(false, accessToken);
  assert.equal((await refresh(service.url, client, refreshToken)).body.error, "invalid_grant");
  await connect(service.url, { client });
});

test("a name that a stranger chose moves no cursor of an operator's terminal and turns no line about", async () => {
  const { id } = await registerClient(service.url, { client_name: "\u001b[2J\u009b31m\u202eevil\nadded: fake" });
  for (const parameters of [["show", id], ["list"]]) {
    const { stdout } = await admin(["clients", ...parameters], env);
    assert.match(stdout, /evil/);
    assert.doesNotMatch(stdout, /[^\P{C}\n]/u);
    assert.doesNotMatch(stdout, /^added: fake/m);
  }
});

test("a removed client is forgotten and its tokens die; what is not in the store cannot be removed", async () => {
  const client = await registerClient(service.url);
  const { accessToken } = await connect(service.url, { client });
  assert.equal((await run("remove", client.id)).status, 0);
  await becomes(false, accessToken);
  assert.equal(await begins(client), false);
  assert.equal((await run("show", client.id)).status, 1);
  assert.match((await run("remove", "written-down")).report.error, /configuration/);
  for (const command of ["show", "disable", "enable", "remove"]) {
    const { status, report } = await run(command, "nobody");
    assert.equal(status, 1);
    assert.match(report.error, /there is no client nobody/);
  }
});

test("clients of every origin are listed, and one that is its document's address can be disabled", async (context) => {
  const site = await startClientSite();
  context.after(() => site.close());
  const id = `${site.url}/client.json`;
  site.publish("/client.json", { client_id: id, client_name: "By document", redirect_uris: ["https://app.example/cb"] });
  const client = { id, redirectUri: "https://app.example/cb" };
  assert.equal(await begins(client), true);
  const origins = new Map(
    (await run("list")).report.clients.map((listed: { client_id: string; origin: string }) => [listed.client_id, listed.origin]),
  );
  assert.equal(origins.get("written-down"), "configured");
  assert.equal(origins.get("added"), "added");
  assert.equal(origins.get(id), "document");
  assert.ok([...origins.values()].includes("dynamic"));
  assert.match((await run("remove", id)).report.error, /disable it/);
  assert.equal((await run("disable", id)).status, 0);
  assert.equal(await begins(client), false);
  assert.equal((await run("disable", "https://never.seen.example/client.json")).status, 0);
});
