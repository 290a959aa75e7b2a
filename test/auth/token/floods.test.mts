import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { createClock, MINUTE } from "../../support/clock.mts";
import { startPlainHost, type TestHost } from "../../support/host.mts";
import {
  type Connected,
  connect,
  DEVELOPMENT_GPT,
  postForm,
  refresh,
  registerClient,
  type TestClient,
  type TokenReply,
} from "../../support/oauth.mts";
import { assertionOf, makeKey } from "../clients/client-site.mts";

/** Claude's backend, from which all of its users' requests come. */
const SHARED = "160.79.104.10";
const [ANN, EVE] = ["192.0.2.10", "203.0.113.66"];
const LIMITS = { LIMIT_TOKEN_FAILURES_PER_ADDRESS: "40", LIMIT_TOKEN_FAILURES_PER_CLIENT: "20", LIMIT_TOKEN_FAILURES_PER_SUBJECT: "10" };

/** Behind a proxy, so that requests can come from anywhere. */
async function start(close: (stop: () => Promise<void>) => void) {
  const clock = createClock();
  clock.advance(10 * MINUTE - (clock() % (10 * MINUTE)));
  const host = await startPlainHost({ clock, env: { ...LIMITS, TRUSTED_PROXIES: "1" } });
  close(() => host.close());
  return { host, clock };
}

function from(address: string, host: TestHost, client: TestClient, refreshToken: string): Promise<TokenReply> {
  const fields = { grant_type: "refresh_token", refresh_token: refreshToken, client_id: client.id, client_secret: client.secret };
  return postForm(`${host.url}/oauth/token`, fields, { "x-forwarded-for": address });
}

async function statusesOf(count: number, work: () => Promise<TokenReply>): Promise<number[]> {
  const statuses = [];
  for (let index = 0; index < count; index++) statuses.push((await work()).status);
  return statuses;
}

/** A refresh token of a grant that there is not. */
const invented = (subject: string) => `${subject}.${"g".repeat(22)}.${"f".repeat(22)}.${"s".repeat(43)}`;
const subjectOf = ({ refreshToken }: Connected) => refreshToken.split(".")[0] ?? "";

test("who fails too often has to wait, is told how long, and goes on in the next window", async (context) => {
  const { host, clock } = await start((stop) => context.after(stop));
  const { client, refreshToken } = await connect(host.url);
  const statuses = await statusesOf(15, () => from(EVE, host, client, invented("x".repeat(22))));
  assert.deepEqual(statuses, [...Array(10).fill(400), ...Array(5).fill(429)]);
  const refused = await from(EVE, host, client, invented("x".repeat(22)));
  assert.equal(refused.body.error, "temporarily_unavailable");
  assert.equal(refused.headers.get("retry-after"), "600");
  clock.advance(10 * MINUTE);
  assert.equal((await from(EVE, host, client, invented("x".repeat(22)))).status, 400);
  assert.equal((await from(ANN, host, client, refreshToken)).status, 200);
});

test("successes are never counted", async (context) => {
  const { host } = await start((stop) => context.after(stop));
  const { refreshToken } = await connect(host.url, { client: DEVELOPMENT_GPT });
  const statuses = await statusesOf(60, () => from(ANN, host, DEVELOPMENT_GPT, refreshToken));
  assert.deepEqual([...new Set(statuses)], [200]);
});

test("a flood on one client locks out nobody who uses it from elsewhere", async (context) => {
  const { host } = await start((stop) => context.after(stop));
  const ann = await connect(host.url);
  const flood = await statusesOf(60, () => from(EVE, host, ann.client, invented(randomBytes(16).toString("base64url"))));
  assert.equal(flood.at(-1), 429);
  assert.equal((await from(ANN, host, ann.client, ann.refreshToken)).status, 200);
});

test("a flood of one client at an address stops that client there, and leaves the others behind the address alone", async (context) => {
  const { host } = await start((stop) => context.after(stop));
  const [broken, other] = [await connect(host.url), await connect(host.url, { email: "bob@example.com" })];
  const flood = await statusesOf(30, () => from(EVE, host, broken.client, invented(randomBytes(16).toString("base64url"))));
  assert.equal(flood.filter((status) => status === 400).length, 20);
  assert.equal((await from(EVE, host, other.client, other.refreshToken)).status, 200);
});

test("a flood from a shared egress locks out none of its other users, whatever client and person it names", async (context) => {
  const { host } = await start((stop) => context.after(stop));
  const client = await registerClient(host.url);
  const [ann, bob] = [await connect(host.url, { client }), await connect(host.url, { client, email: "bob@example.com" })];
  for (const token of [invented(subjectOf(bob)), "nothing", invented("y".repeat(22))]) {
    assert.equal((await statusesOf(100, () => from(SHARED, host, client, token))).at(-1), 429);
  }
  assert.equal((await from(SHARED, host, client, ann.refreshToken)).status, 200);
});

test("a stranger who knows someone's id cannot use up what is theirs", async (context) => {
  const { host } = await start((stop) => context.after(stop));
  const ann = await connect(host.url);
  await statusesOf(30, () => from(EVE, host, ann.client, invented(subjectOf(ann))));
  assert.equal((await from(SHARED, host, ann.client, ann.refreshToken)).status, 200);
});

test("what a proved client does wrong for one person does not stop it for another", async (context) => {
  const { host } = await start((stop) => context.after(stop));
  const ann = await connect(host.url, { client: DEVELOPMENT_GPT });
  for (let person = 0; person < 8; person++) {
    await statusesOf(12, () => from(EVE, host, DEVELOPMENT_GPT, invented(`${person}`.repeat(22))));
  }
  assert.equal((await from(EVE, host, DEVELOPMENT_GPT, ann.refreshToken)).status, 200);
});

test("secrets are not guessed without end, at the token endpoint or the revocation endpoint", async (context) => {
  const { host } = await start((stop) => context.after(stop));
  const guess = (path: string, secret: string) =>
    postForm(
      `${host.url}${path}`,
      { grant_type: "refresh_token", token: "x", client_id: DEVELOPMENT_GPT.id, client_secret: secret },
      { "x-forwarded-for": EVE },
    );
  const statuses = await statusesOf(8, () => guess("/oauth/token", "wrong"));
  statuses.push(...(await statusesOf(8, () => guess("/oauth/revoke", "wrong"))));
  assert.deepEqual(statuses, [...Array(10).fill(401), ...Array(6).fill(429)]);
  assert.equal((await guess("/oauth/revoke", DEVELOPMENT_GPT.secret ?? "")).status, 429);
});

test("an IPv6 flood from one /64 is one address's", async (context) => {
  const { host } = await start((stop) => context.after(stop));
  const { client } = await connect(host.url);
  let host6 = 0;
  const flood = await statusesOf(60, () => from(`2001:db8::${(++host6).toString(16)}`, host, client, invented(`${host6}`.padEnd(22, "x"))));
  assert.equal(flood.filter((status) => status === 400).length, 20);
  assert.equal((await refresh(host.url, client, "nothing")).status, 400);
});

test("a client that anyone can register and prove does not leave records without end", async (context) => {
  const { host } = await start((stop) => context.after(stop));
  const key = await makeKey("eve", "ES256");
  const eve = await registerClient(host.url, { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [key.publicJwk] } });
  const statuses = await statusesOf(205, async () => {
    const assertion = await assertionOf(key, eve.id, host.url, { iat: undefined, exp: Math.floor(host.service.clock() / 1000) + 60 });
    return postForm(
      `${host.url}/oauth/token`,
      {
        grant_type: "refresh_token",
        refresh_token: invented(crypto.randomUUID()),
        client_assertion: assertion,
        client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      },
      { "x-forwarded-for": EVE },
    );
  });
  assert.deepEqual(statuses, [...Array(200).fill(400), ...Array(5).fill(429)]);
  const ann = await connect(host.url);
  assert.equal((await from(EVE, host, ann.client, ann.refreshToken)).status, 200);
});
