import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { after, before, test } from "node:test";
import { sha256 } from "../../../shared/hash.ts";
import { clientStateKind, grantKind, subjectStateKind } from "../../../shared/state/records.ts";
import { createClock, SECOND } from "../../support/clock.mts";
import { startPlainHost, type TestHost } from "../../support/host.mts";
import { connect, DEVELOPMENT_GPT, isAlive } from "../../support/oauth.mts";

const clock = createClock();
let host: TestHost;
before(async () => {
  host = await startPlainHost({ clock });
});
after(() => host.close());

type Json = Record<string, unknown>;
const encode = (value: Json) => Buffer.from(JSON.stringify(value)).toString("base64url");
const decode = (part = "") => JSON.parse(Buffer.from(part, "base64url").toString()) as Json;

test("a token with a false signature, header or claim is refused", async () => {
  const { accessToken } = await connect(host.url);
  const [head = "", body = "", signature = ""] = accessToken.split(".");
  const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const signedBy = (headers: Json, claims: Json) => {
    const signed = `${encode(headers)}.${encode(claims)}`;
    return `${signed}.${sign("sha256", Buffer.from(signed), stranger.privateKey).toString("base64url")}`;
  };
  const jwks = (await (await fetch(`${host.url}/.well-known/jwks.json`)).json()) as { keys: Json[] };
  const macWithPublicKey = (() => {
    const signed = `${encode({ ...decode(head), alg: "HS256" })}.${body}`;
    return `${signed}.${createHmac("sha256", JSON.stringify(jwks.keys[0])).update(signed).digest("base64url")}`;
  })();
  const forged = [
    `${encode({ ...decode(head), alg: "none" })}.${body}.`,
    macWithPublicKey,
    signedBy(decode(head), decode(body)),
    signedBy({ ...decode(head), jwk: stranger.publicKey.export({ format: "jwk" }) }, decode(body)),
    signedBy({ ...decode(head), kid: "unknown", jku: "https://evil.example/jwks" }, decode(body)),
    `${head}.${encode({ ...decode(body), scope: "todos:write admin" })}.${signature}`,
    `${encode({ ...decode(head), typ: "JWT" })}.${body}.${signature}`,
    `${head}.${body}.${signature.slice(0, -4)}AAAA`,
    `${head}.${body}`,
    "not-a-token",
    "a".repeat(10_000),
  ];
  for (const token of forged) assert.equal(await isAlive(host.url, token), false, token.slice(0, 60));
  assert.equal(await isAlive(host.url, accessToken), true);
});

test("a challenge says where the metadata is, and names an error only when a token came", async () => {
  const none = await fetch(`${host.url}/mcp`, { method: "POST", body: "{}", headers: { "content-type": "application/json" } });
  assert.equal(none.status, 401);
  const challenge = none.headers.get("www-authenticate") ?? "";
  assert.ok(challenge.startsWith(`Bearer resource_metadata="${host.url}/.well-known/oauth-protected-resource/mcp"`));
  assert.match(challenge, /scope="[^"]*todos:read/);
  assert.doesNotMatch(challenge, /error=|offline_access/);
  const wrong = await fetch(`${host.url}/mcp`, {
    method: "POST",
    body: "{}",
    headers: { "content-type": "application/json", authorization: "Bearer x" },
  });
  assert.equal(wrong.status, 401);
  assert.match(wrong.headers.get("www-authenticate") ?? "", /error="invalid_token"/);
});

test("a token of one surface is worth nothing on the other", async () => {
  const mcp = await connect(host.url);
  const actions = await connect(host.url, { client: DEVELOPMENT_GPT });
  const onMcp = (token: string) => callMcp(token);
  const onActions = (token: string) => fetch(`${host.url}/actions/session`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await onMcp(mcp.accessToken)).status, 200);
  assert.equal((await onActions(actions.accessToken)).status, 200);
  assert.equal((await onMcp(actions.accessToken)).status, 401);
  assert.equal((await onActions(mcp.accessToken)).status, 401);
});

test("a token in the query or the body counts for nothing", async () => {
  const { accessToken } = await connect(host.url, { client: DEVELOPMENT_GPT });
  assert.equal((await fetch(`${host.url}/actions/session?access_token=${accessToken}`)).status, 401);
  const form = await fetch(`${host.url}/oauth/userinfo`, { method: "POST", body: new URLSearchParams({ access_token: accessToken }) });
  assert.equal(form.status, 401);
});

test("a revocation elsewhere takes effect within ten seconds", async () => {
  const { accessToken } = await connect(host.url);
  assert.equal((await callMcp(accessToken)).status, 200);
  const claims = decode(accessToken.split(".")[1]);
  const key = { owner: String(claims["sub"]), id: String(claims["gid"]) };
  const entry = await host.service.store.get(grantKind, key);
  assert.ok(entry);
  await host.service.store.replace(grantKind, key, entry.version, { ...entry.value, state: "dead" }, entry.expiresAt);
  clock.advance(10 * SECOND);
  assert.equal((await callMcp(accessToken)).status, 401);
});

test("a disabled client or subject is out within ten seconds, and tokens from before a cut are dead", async () => {
  const { accessToken, client } = await connect(host.url, { email: "carol@example.com" });
  const subject = String(decode(accessToken.split(".")[1])["sub"]);
  const locks = [
    { kind: clientStateKind, id: sha256(client.id), value: { disabled: true } },
    { kind: subjectStateKind, id: subject, value: { disabled: true } },
    { kind: subjectStateKind, id: subject, value: { disabled: false, notBefore: clock() + 60 * SECOND } },
  ];
  for (const { kind, id, value } of locks) {
    assert.equal((await callMcp(accessToken)).status, 200);
    await host.service.store.create(kind, { id }, value, null);
    clock.advance(10 * SECOND);
    assert.equal((await callMcp(accessToken)).status, 401);
    await host.service.store.take(kind, { id });
    clock.advance(10 * SECOND);
  }
});

function callMcp(token: string): Promise<Response> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" });
  const headers = { "content-type": "application/json", accept: "application/json, text/event-stream", authorization: `Bearer ${token}` };
  return fetch(`${host.url}/mcp`, { method: "POST", body, headers });
}
