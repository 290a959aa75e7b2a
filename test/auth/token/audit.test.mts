import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { decodeJwt } from "jose";
import { createPerson } from "../../../tools/person.mts";
import { type SpawnedService, spawnService } from "../../support/host.mts";
import { authorizationUrl, connect, DEVELOPMENT_GPT, pkce, postForm, redeem, refresh, registerClient } from "../../support/oauth.mts";

const SECRET = "a-secret-of-at-least-thirty-two-characters";
let service: SpawnedService;
before(async () => {
  const clients = [{ client_id: "nightly", client_secret: SECRET, grant_types: ["client_credentials"], scope: "todos:read" }];
  service = await spawnService({ env: { LOG_LEVEL: "debug", OAUTH_CLIENTS_JSON: JSON.stringify(clients) } });
});
after(() => service.stop());

interface Line {
  readonly msg: string;
  readonly level: string;
  readonly event?: string;
  readonly request?: string;
  readonly client?: string;
  readonly subject?: string;
  readonly reason?: string;
  readonly grant?: string;
  readonly outcome?: string;
  readonly detail?: string;
}

function linesOf(message: string): Line[] {
  const lines = service
    .output()
    .split("\n")
    .filter((line) => line.startsWith("{"));
  return lines.map((line) => JSON.parse(line) as Line).filter(({ msg }) => msg === message);
}

/** The line is in the log a moment after the answer. */
async function lineOf(message: string, isWanted: (line: Line) => boolean): Promise<Line | undefined> {
  const deadline = Date.now() + 5_000;
  for (;;) {
    const found = linesOf(message).find(isWanted);
    if (found || Date.now() > deadline) return found;
    await new Promise((done) => setTimeout(done, 10));
  }
}

function auditOf(event: string, requestId: string | null): Promise<Line | undefined> {
  return lineOf("audit", (line) => line.event === event && line.request === requestId);
}

test("each step of a token's life leaves one line that says who, with which client, why and in which request", async () => {
  const { client, reply, accessToken, refreshToken } = await connect(service.url, { parameters: { scope: "openid todos:read" } });
  const { sub, gid } = decodeJwt(accessToken);
  const about = { client: client.id, subject: sub, grant: gid };
  const expect = async (event: string, { headers }: { readonly headers: Headers }, fields: object) => {
    const line = await auditOf(event, headers.get("x-request-id"));
    assert.ok(line, `${event} has a line`);
    assert.partialDeepStrictEqual(line, { ...about, ...fields });
    const request = await lineOf("request", (each) => each.request === line.request);
    assert.partialDeepStrictEqual(request, { client: client.id, subject: sub });
  };
  await expect("issue", reply, { grantType: "authorization_code", scopes: ["openid", "todos:read"], method: "none" });
  const rotated = await refresh(service.url, client, refreshToken);
  await expect("refresh", rotated, { scopes: ["openid", "todos:read"] });
  await expect("refresh_replayed", await refresh(service.url, client, refreshToken), {});
  const newer = await refresh(service.url, client, rotated.body.refresh_token);
  await expect("refusal", await refresh(service.url, client, refreshToken), { reason: "invalid_grant" });
  await expect("revoke", await postForm(`${service.url}/oauth/revoke`, { token: newer.body.access_token, client_id: client.id }), {
    reason: "access_token",
  });
  await expect("revoke", await postForm(`${service.url}/oauth/revoke`, { token: newer.body.refresh_token, client_id: client.id }), {
    reason: "refresh_token",
  });
});

test("a code that comes twice is told as reuse, a warning", async () => {
  const client = await registerClient(service.url);
  const { verifier, challenge } = pkce();
  const url = authorizationUrl(service.url, client, { code_challenge: challenge, code_challenge_method: "S256" });
  const code = (await createPerson("eve@example.com").authorize(url)).searchParams.get("code") ?? "";
  await redeem(service.url, client, code, { code_verifier: verifier });
  const replayed = await redeem(service.url, client, code, { code_verifier: verifier });
  const line = await auditOf("reuse", replayed.headers.get("x-request-id"));
  assert.partialDeepStrictEqual(line, { level: "warn", client: client.id, reason: "code_replay" });
});

test("a machine's token and a refused client are told", async () => {
  const ask = (client_secret: string) =>
    postForm(`${service.url}/oauth/token`, { grant_type: "client_credentials", client_id: "nightly", client_secret });
  const issued = await auditOf("issue", (await ask(SECRET)).headers.get("x-request-id"));
  assert.partialDeepStrictEqual(issued, { subject: "client:nightly", grantType: "client_credentials" });
  const refused = await auditOf("refusal", (await ask("wrong-secret-that-nobody-should-see")).headers.get("x-request-id"));
  assert.partialDeepStrictEqual(refused, { client: "nightly", reason: "invalid_client" });
});

test("what is refused says why on the request's own line, as its answer does", async () => {
  const client = await registerClient(service.url);
  const html = { accept: "text/html" };
  const wrongTarget = authorizationUrl(service.url, client, { resource: "https://elsewhere.example/" });
  const cases: (readonly [Promise<{ readonly headers: Headers }>, string | undefined, RegExp])[] = [
    [
      postForm(`${service.url}/oauth/token`, { grant_type: "refresh_token", client_id: client.id }),
      "invalid_request",
      /refresh_token is missing/,
    ],
    [fetch(`${service.url}/oauth/userinfo`), undefined, /access token is needed/],
    [fetch(`${service.url}/oauth/interaction/nothing`, { headers: html }), undefined, /over or was never begun/],
    [fetch(wrongTarget, { redirect: "manual" }), "invalid_target", /not one of this service's/],
    [fetch(`${service.url}/oauth/authorize?client_id=nobody`), "invalid_client", /not registered/],
    [fetch(`${service.url}/oauth/register`, { method: "POST", body: "[]" }), "invalid_client_metadata", /expected object/],
  ];
  for (const [reply, outcome, detail] of cases) {
    const id = (await reply).headers.get("x-request-id");
    const line = await lineOf("request", ({ request }) => request === id);
    assert.equal(line?.outcome, outcome);
    assert.match(line?.detail ?? "", detail);
  }
});

test("what an operator must see of strangers is told: refused registrations, refused senders", async () => {
  const registration = await fetch(`${service.url}/oauth/register`, { method: "POST", body: "{}" });
  const refused = await auditOf("refusal", registration.headers.get("x-request-id"));
  assert.partialDeepStrictEqual(refused, { reason: "invalid_redirect_uri" });
  const sender = await fetch(`${service.url}/oauth/authorize?client_id=nobody`);
  const unproved = await auditOf("refusal", sender.headers.get("x-request-id"));
  assert.partialDeepStrictEqual(unproved, { client: "nobody", reason: "unproved_recipient" });
  const body = new URLSearchParams({ callback_url: "https://chatgpt.com/aip/g-audited/oauth/callback" });
  const gpt = await fetch(`${service.url}/setup/custom-gpt`, { method: "POST", body });
  const added = await auditOf("client_changed", gpt.headers.get("x-request-id"));
  assert.partialDeepStrictEqual(added, { client: "custom-gpt-g-audited", reason: "custom_gpt" });
});

test("no line of the log holds a secret, a token, a code or an e-mail address, whatever was sent", async () => {
  const email = "secret.person@example.com";
  const connected = await connect(service.url, {
    email,
    parameters: { scope: "openid email", state: "state-that-is-theirs", nonce: "nonce-that-is-theirs" },
  });
  const { client, accessToken, refreshToken, reply } = connected;
  const gpt = await connect(service.url, { client: DEVELOPMENT_GPT, email });
  const rotated = await refresh(service.url, client, refreshToken);
  await refresh(service.url, client, refreshToken);
  await refresh(service.url, { ...client, id: email }, refreshToken);
  await refresh(service.url, client, "x.y", { scope: email });
  await refresh(service.url, client, rotated.body.refresh_token, { scope: rotated.body.refresh_token });
  await refresh(service.url, client, rotated.body.refresh_token, { scope: email });
  await postForm(`${service.url}/oauth/token`, { grant_type: "refresh_token", [refreshToken]: "a", code_verifier: accessToken });
  await postForm(`${service.url}/oauth/token`, { grant_type: email });
  await fetch(`${service.url}/oauth/userinfo?access_token=${accessToken}`, { headers: { authorization: `Bearer ${accessToken}` } });
  await fetch(`${service.url}/mcp/${refreshToken}?code=${refreshToken}`);
  await postForm(`${service.url}/oauth/revoke`, { token: rotated.body.refresh_token, client_id: client.id });
  const last = await fetch(`${service.url}/health`);
  await service.says(new RegExp(last.headers.get("x-request-id") ?? "no id"));
  const secrets = {
    "access token": accessToken.split(".")[2],
    "refresh token": refreshToken.split(".")[3],
    "refresh family": refreshToken.split(".")[2],
    "new refresh token": rotated.body.refresh_token.split(".")[3],
    "ID token": reply.body.id_token.split(".")[2],
    "GPT's refresh token": gpt.refreshToken.split(".")[3],
    "GPT's secret": DEVELOPMENT_GPT.secret,
    "machine's secret": SECRET,
    "guessed secret": "wrong-secret-that-nobody-should-see",
    state: "state-that-is-theirs",
    nonce: "nonce-that-is-theirs",
    cookie: connected.person.cookies(service.url).split("=")[1]?.split(";")[0],
  };
  const lines = service.output().split("\n");
  for (const [name, secret] of Object.entries(secrets)) {
    assert.ok(secret !== undefined && secret.length > 10, name);
    assert.ok(!lines.some((line) => line.includes(secret)), `${name} is in the log`);
  }
  // Without a mail server, development prints the code for whoever reads this terminal.
  const strays = lines.filter((line) => /@example\.com/.test(line) && !line.includes("sign-in code for"));
  assert.deepEqual(strays, []);
});
