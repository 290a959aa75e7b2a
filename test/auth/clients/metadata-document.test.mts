import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createClients } from "../../../auth/clients/clients.ts";
import { sha256 } from "../../../shared/hash.ts";
import { clientStateKind } from "../../../shared/state/records.ts";
import { createClock, HOUR, MINUTE, SECOND, type TestClock } from "../../support/clock.mts";
import { startPlainHost, type TestHost } from "../../support/host.mts";
import { authorizationUrl, pkce, postForm } from "../../support/oauth.mts";
import { type ClientSite, makeKey, startClientSite } from "./client-site.mts";

const REDIRECT = "https://app.example/callback";
const PROTECTED = { code_challenge: pkce().challenge, code_challenge_method: "S256" };
const OPEN = { token_endpoint_auth_method: "none", redirect_uris: [REDIRECT], client_name: "An app" };

interface Setting {
  readonly host: TestHost;
  readonly site: ClientSite;
  readonly clock: TestClock;
}

async function set(context: TestContext, env: Readonly<Record<string, string>> = {}): Promise<Setting> {
  const site = await startClientSite();
  const clock = createClock();
  const shared = { LOOPBACK_FETCH: "on", SHARED_EGRESS: "127.0.0.0/8 ::1/128" };
  const host = await startPlainHost({ clock, env: { ...shared, ...env } });
  context.after(async () => {
    await host.close();
    await site.close();
  });
  return { host, site, clock };
}

/** Publishes a document that is right but for `members`. @returns The client id. */
function publish(site: ClientSite, path: string, members: object = OPEN, headers: Readonly<Record<string, string>> = {}): string {
  return site.publish(path, { client_id: site.url + path, redirect_uris: [REDIRECT], ...members }, headers);
}

/** Begins an authorization: 303 leads to the pages, everything else is an error page. */
async function begin({ host }: Setting, id: string, redirectUri = REDIRECT): Promise<{ readonly status: number; readonly page: string }> {
  const response = await fetch(authorizationUrl(host.url, { id, redirectUri }, PROTECTED), { redirect: "manual" });
  return { status: response.status, page: await response.text() };
}

/** What the token endpoint says of a client without a proof. */
function present({ host }: Setting, id: string) {
  return postForm(`${host.url}/oauth/token`, { grant_type: "authorization_code", code: "x", client_id: id });
}

test("an id is fetched only if it is an address as it should be written", async (context) => {
  const setting = await set(context);
  const { site } = setting;
  publish(site, "/client.json");
  publish(site, "/");
  publish(site, "/~me.json");
  const port = new URL(site.url).port;
  for (const id of [
    `${site.url}/`,
    site.url,
    `${site.url}/client.json#x`,
    `${site.url}/a/../client.json`,
    `${site.url}/./client.json`,
    `http://me@localhost:${port}/client.json`,
    `http://LOCALHOST:${port}/client.json`,
    `HTTP://localhost:${port}/client.json`,
    `http://127.1:${port}/client.json`,
    `http://2130706433:${port}/client.json`,
    `http://localhost:0${port}/client.json`,
    ` ${site.url}/client.json`,
    "http://example.com/client.json",
    "https://169.254.169.254/client.json",
    "https://[::ffff:169.254.169.254]/client.json",
    "https://10.0.0.1/client.json",
    "ftp://example.com/client.json",
  ]) {
    assert.equal((await begin(setting, id)).status, 400, id);
    assert.equal((await present(setting, id)).body.error, "invalid_client", id);
  }
  assert.equal(site.asked("/client.json") + site.asked("/"), 0);
  assert.equal((await begin(setting, `${site.url}/client.json`)).status, 303);
});

test("this machine is asked nothing where that is not switched on", async (context) => {
  const setting = await set(context, { LOOPBACK_FETCH: "off" });
  assert.equal((await begin(setting, publish(setting.site, "/client.json"))).status, 400);
  assert.equal(setting.site.asked("/client.json"), 0);
});

test("a document that is not about its address, or not acceptable, makes no client", async (context) => {
  const setting = await set(context);
  const { site } = setting;
  const { publicJwk } = await makeKey("own");
  const proving = { token_endpoint_auth_method: "private_key_jwt" };
  const faulty: Readonly<Record<string, object>> = {
    "/another.json": { ...OPEN, client_id: `${site.url}/client.json` },
    "/slash.json": { ...OPEN, client_id: `${site.url}/slash.json/` },
    "/none.json": { ...OPEN, client_id: undefined },
    "/basic.json": { ...OPEN, token_endpoint_auth_method: "client_secret_basic" },
    "/post.json": { ...OPEN, token_endpoint_auth_method: "client_secret_post" },
    "/jwt.json": { ...OPEN, token_endpoint_auth_method: "client_secret_jwt" },
    "/secret.json": { ...OPEN, client_secret: "not-so-secret" },
    "/expiring.json": { ...OPEN, client_secret_expires_at: 0 },
    "/no-redirect.json": { ...OPEN, redirect_uris: [] },
    "/script.json": { ...OPEN, redirect_uris: [REDIRECT, "javascript:alert(1)"] },
    "/plain.json": { ...OPEN, redirect_uris: [REDIRECT, "http://app.example/callback"] },
    "/home.json": { ...OPEN, redirect_uris: [REDIRECT, `${setting.host.url}/oauth/authorize`] },
    "/implicit.json": { ...OPEN, grant_types: ["implicit"] },
    "/token.json": { ...OPEN, response_types: ["token"] },
    "/keyless.json": proving,
    "/two-sets.json": { ...proving, jwks: { keys: [publicJwk] }, jwks_uri: `${site.url}/keys.json` },
    "/private.json": { ...proving, jwks: { keys: [{ ...publicJwk, d: "AQAB" }] } },
    "/symmetric.json": { ...proving, jwks: { keys: [{ kty: "oct", k: "AQAB" }] } },
    "/inner-keys.json": { ...proving, jwks_uri: "https://169.254.169.254/keys.json" },
    "/plain-keys.json": { ...proving, jwks_uri: "http://app.example/keys.json" },
    "/array.json": [],
  };
  for (const [path, members] of Object.entries(faulty)) {
    const id = Array.isArray(members) ? site.publish(path, members) : publish(site, path, members);
    const { status, page } = await begin(setting, id);
    assert.equal(status, 400, path);
    assert.match(page, /metadata document cannot be used/, path);
    const reply = await present(setting, id);
    assert.deepEqual([reply.status, reply.body.error], [401, "invalid_client"], path);
  }
});

test("an address that answers with something else makes no client, and is not followed", async (context) => {
  const setting = await set(context);
  const { site } = setting;
  const id = publish(site, "/client.json");
  const large = JSON.stringify({ ...OPEN, client_id: `${site.url}/large.json`, pad: "x".repeat(17_000) });
  const answers = {
    "/missing.json": (response) => response.writeHead(404).end(),
    "/moved.json": (response) => response.writeHead(302, { location: id }).end(),
    "/page.json": (response) => response.writeHead(200, { "content-type": "text/html" }).end("{}"),
    "/broken.json": (response) => response.writeHead(200, { "content-type": "application/json" }).end("{"),
    "/large.json": (response) => response.writeHead(200, { "content-type": "application/json" }).end(large),
  } satisfies Record<string, Parameters<ClientSite["publish"]>[1]>;
  for (const [path, answer] of Object.entries(answers)) {
    assert.equal((await begin(setting, site.publish(path, answer))).status, 400, path);
  }
  assert.equal(site.asked("/client.json"), 0);
});

test("the redirect must be one of the document's, as with every client", async (context) => {
  const setting = await set(context);
  const id = publish(setting.site, "/client.json", { ...OPEN, redirect_uris: [REDIRECT, "http://127.0.0.1/callback"] });
  for (const redirectUri of [
    `${REDIRECT}/`,
    `${REDIRECT}?x=1`,
    "https://app.example.evil.example/callback",
    "https://app.example@evil.example/callback",
    "http://127.0.0.1:5000/callback/other",
    "http://127.0.0.1.evil.example/callback",
    "http://localhost:5000/callback",
    "javascript:alert(1)",
  ]) {
    assert.equal((await begin(setting, id, redirectUri)).status, 400, redirectUri);
  }
  assert.equal((await begin(setting, id, "http://127.0.0.1:5000/callback")).status, 303);
});

test("a document that cannot be reached is 503 at the token endpoint and a page at authorize", async (context) => {
  const setting = await set(context);
  const { site } = setting;
  const id = publish(site, "/client.json");
  site.down();
  assert.equal((await begin(setting, id)).status, 503);
  const reply = await present(setting, id);
  assert.deepEqual([reply.status, reply.body.error], [503, "temporarily_unavailable"]);
  assert.ok(Number(reply.headers.get("retry-after")) > 0);
  site.up();
  assert.equal((await begin(setting, id)).status, 303);
});

test("a document is fetched once in five minutes, or as rarely as its headers say, up to a day", async (context) => {
  const setting = await set(context);
  const { site, clock } = setting;
  const inTwoHours = new Date(Math.ceil(clock() / 1000) * 1000 + 2 * HOUR).toUTCString();
  const cases: readonly [path: string, headers: Readonly<Record<string, string>>, lifetime: number][] = [
    ["/expires.json", { expires: inTwoHours }, 2 * HOUR],
    ["/silent.json", {}, 5 * MINUTE],
    ["/never.json", { "cache-control": "no-store" }, 5 * MINUTE],
    ["/short.json", { "cache-control": "max-age=1" }, 5 * MINUTE],
    ["/hour.json", { "cache-control": "public, max-age=3600" }, HOUR],
    ["/aged.json", { "cache-control": "max-age=3600", age: "1800" }, 30 * MINUTE],
    ["/ever.json", { "cache-control": "max-age=99999999" }, 24 * HOUR],
  ];
  for (const [path, headers, lifetime] of cases) {
    const id = publish(site, path, OPEN, headers);
    await begin(setting, id);
    clock.advance(lifetime - SECOND);
    await begin(setting, id);
    assert.equal(site.asked(path), 1, path);
    clock.advance(3 * SECOND);
    await begin(setting, id);
    assert.equal(site.asked(path), 2, path);
  }
});

test("a document that did not change is not sent again, and a change is seen", async (context) => {
  const setting = await set(context);
  const { site, clock } = setting;
  let etag = '"1"';
  let bodies = 0;
  const path = "/client.json";
  const id = site.publish(path, (response, ifNoneMatch) => {
    if (ifNoneMatch === etag) return void response.writeHead(304, { etag }).end();
    bodies += 1;
    const redirect = etag === '"1"' ? REDIRECT : "https://app.example/elsewhere";
    response.writeHead(200, { "content-type": "application/json", etag });
    return void response.end(JSON.stringify({ ...OPEN, client_id: site.url + path, redirect_uris: [redirect] }));
  });
  for (let count = 0; count < 3; count++) {
    assert.equal((await begin(setting, id)).status, 303);
    clock.advance(6 * MINUTE);
  }
  assert.deepEqual([site.asked(path), bodies], [3, 1]);
  etag = '"2"';
  assert.equal((await begin(setting, id)).status, 400);
  assert.equal((await begin(setting, id, "https://app.example/elsewhere")).status, 303);
});

test("an old document does for a day when nobody can be reached, and not a minute longer", async (context) => {
  const setting = await set(context);
  const { site, clock } = setting;
  const id = publish(site, "/client.json");
  await begin(setting, id);
  site.down();
  clock.advance(23 * HOUR);
  assert.equal((await begin(setting, id)).status, 303);
  clock.advance(HOUR + 6 * MINUTE);
  assert.equal((await begin(setting, id)).status, 503);
  site.up();
  assert.equal((await begin(setting, id)).status, 303);
  site.publish("/client.json", (response) => response.writeHead(500).end());
  clock.advance(HOUR);
  assert.equal((await begin(setting, id)).status, 303);
});

test("what was taken back or spoilt is not brought up again by a later fault of the network", async (context) => {
  const setting = await set(context);
  const { site, clock } = setting;
  const faults: Readonly<Record<string, Parameters<ClientSite["publish"]>[1]>> = {
    "/missing.json": (response) => response.writeHead(404).end(),
    "/gone.json": (response) => response.writeHead(410).end(),
    "/spoilt.json": { ...OPEN, client_id: "https://other.example/client.json" },
  };
  for (const [path, fault] of Object.entries(faults)) {
    const id = publish(site, path);
    assert.equal((await begin(setting, id)).status, 303, path);
    site.publish(path, fault);
    clock.advance(6 * MINUTE);
    assert.equal((await begin(setting, id)).status, 400, path);
    site.down();
    assert.equal((await begin(setting, id)).status, 503, path);
    site.up();
    publish(site, path);
    assert.equal((await begin(setting, id)).status, 303, path);
  }
});

test("those who come at the same time wait for one fetch", async (context) => {
  const { host, site } = await set(context);
  const id = publish(site, "/client.json");
  const clients = host.service.part(createClients);
  const all = await Promise.all(Array.from({ length: 20 }, () => clients.find(id)));
  assert.deepEqual([...new Set(all.map((client) => client?.clientId))], [id]);
  assert.equal(site.asked("/client.json"), 1);
});

test("one address causes so many fetches at a host, and what is known goes on working", async (context) => {
  const setting = await set(context, { CLIENT_DOCUMENT_LIMIT: "3", SHARED_EGRESS: "192.0.2.0/24" });
  const { site, clock } = setting;
  clock.advance(HOUR - (clock() % HOUR));
  const ids = [1, 2, 3, 4].map((number) => publish(site, `/${number}.json`));
  const statuses = [];
  for (const id of ids) statuses.push((await present(setting, id)).status);
  // 400: the client is known, its code is none.
  assert.deepEqual(statuses, [400, 400, 400, 429]);
  assert.equal(site.asked("/4.json"), 0);
  // Its time is over, and still it is better than nothing.
  clock.advance(6 * MINUTE);
  assert.equal((await present(setting, ids[0] ?? "")).status, 400);
  assert.equal(site.asked("/1.json"), 1);
  const elsewhere = site.url.replace("localhost", "127.0.0.1");
  site.publish("/5.json", { ...OPEN, client_id: `${elsewhere}/5.json` });
  assert.equal((await present(setting, `${elsewhere}/5.json`)).status, 400);
});

test("all together cause so many fetches, however many addresses they have", async (context) => {
  const setting = await set(context, { CLIENT_DOCUMENT_CEILING: "2" });
  const statuses = [];
  for (const number of [1, 2, 3]) statuses.push((await begin(setting, publish(setting.site, `/${number}.json`))).status);
  assert.deepEqual(statuses, [303, 303, 429]);
});

test("nothing is fetched for a client that is disabled", async (context) => {
  const setting = await set(context);
  const id = publish(setting.site, "/client.json");
  await setting.host.service.store.create(clientStateKind, { id: sha256(id) }, { disabled: true }, null);
  assert.equal((await begin(setting, id)).status, 400);
  assert.equal((await present(setting, id)).body.error, "invalid_client");
  assert.equal(setting.site.asked("/client.json"), 0);
});

test("where documents are switched off an address is an id like any other", async (context) => {
  const setting = await set(context, { CLIENT_DOCUMENTS: "off" });
  const id = publish(setting.site, "/client.json");
  assert.equal((await begin(setting, id)).status, 400);
  assert.equal((await present(setting, id)).body.error, "invalid_client");
  assert.equal(setting.site.asked("/client.json"), 0);
});

test("a document that names no method proves itself if it has keys, and methods that are not enabled are refused", async (context) => {
  const { publicJwk } = await makeKey("own");
  const keys = { jwks: { keys: [publicJwk] } };
  const setting = await set(context);
  const [keyed, keyless] = [publish(setting.site, "/keyed.json", keys), publish(setting.site, "/keyless.json", {})];
  assert.match((await present(setting, keyed)).body.error_description, /authenticates with private_key_jwt/);
  assert.equal((await present(setting, keyless)).body.error, "invalid_grant");
});

test("a method that is not enabled makes no client", async (context) => {
  const { publicJwk } = await makeKey("own");
  const setting = await set(context, { CLIENT_AUTH_METHODS: "private_key_jwt client_secret_basic" });
  const { site } = setting;
  assert.equal((await begin(setting, publish(site, "/open.json"))).status, 400);
  assert.equal((await begin(setting, publish(site, "/keyed.json", { jwks: { keys: [publicJwk] } }))).status, 303);
});
