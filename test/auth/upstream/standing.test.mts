import assert from "node:assert/strict";
import { test } from "node:test";
import { keepLogin } from "../../../auth/identity/upstream/login.ts";
import { checkUpstream } from "../../../auth/identity/upstream/standing.ts";
import { createPerson } from "../../../tools/person.mts";
import { createClock, HOUR, MINUTE, type TestClock } from "../../support/clock.mts";
import { authorizationUrl, isAlive, pkce, refresh, registerClient } from "../../support/oauth.mts";
import { type Alter, allOf, changeJson, connectUpstream, type TestUpstream } from "../../support/upstream.mts";
import { ANN, type Running, type Setting, withUpstream } from "./setting.mts";

interface Connected extends Running {
  readonly clock: TestClock;
  /** Uses the newest refresh token. */
  readonly use: () => ReturnType<typeof refresh>;
  /** Refreshes at the provider so far. */
  readonly checks: () => number;
  readonly connection: Awaited<ReturnType<typeof connectUpstream>>;
}

async function whileConnected(setting: Setting, use: (connected: Connected) => Promise<void>): Promise<void> {
  const clock = createClock();
  await withUpstream({ ...setting, clock }, async (running) => {
    const { host, upstream } = running;
    const connection = await connectUpstream(host.url, upstream, createPerson(""), "ann");
    const first = tokenRequests(upstream);
    let token: string = connection.reply.body.refresh_token;
    await use({
      ...running,
      clock,
      connection,
      checks: () => tokenRequests(upstream) - first,
      async use() {
        const reply = await refresh(host.url, connection.client, token);
        if (reply.status === 200) token = reply.body.refresh_token;
        return reply;
      },
    });
  });
}

const tokenRequests = (upstream: TestUpstream) => upstream.calls.filter((call) => call === "POST /token").length;
const failing: Alter = (answer) => (answer.path === "/token" ? { ...answer, status: 503, body: "" } : undefined);
const refusing =
  (error: string): Alter =>
  (answer) =>
    answer.path === "/token"
      ? { ...answer, status: 400, headers: { "content-type": "application/json" }, body: JSON.stringify({ error }) }
      : undefined;

test("a refresh asks the provider at most every quarter of an hour", async () => {
  await whileConnected({}, async ({ clock, use, checks }) => {
    for (const minutes of [0, 10, 4]) {
      clock.advance(minutes * MINUTE);
      assert.equal((await use()).status, 200);
    }
    assert.equal(checks(), 0);
    clock.advance(2 * MINUTE);
    assert.equal((await use()).status, 200);
    assert.equal((await use()).status, 200);
    assert.equal(checks(), 1);
  });
});

test("of many refreshes at once by several apps one asks, and the others go by what is known", async () => {
  await whileConnected({}, async ({ host, upstream, clock, use, checks }) => {
    const person = createPerson("");
    const others = [];
    for (let count = 0; count < 3; count++) others.push(await connectUpstream(host.url, upstream, person, "ann"));
    const before = checks();
    clock.advance(16 * MINUTE);
    const replies = await Promise.all(others.map(({ client, reply }) => refresh(host.url, client, reply.body.refresh_token)));
    assert.deepEqual(
      replies.map(({ status }) => status),
      [200, 200, 200],
    );
    // They came from one sign-in.
    assert.equal(checks() - before, 1);
    assert.equal((await use()).status, 200);
    assert.equal(checks() - before, 2);
  });
});

test("who was removed upstream is out at the next check, with every app, and their tokens with them", async () => {
  await whileConnected({}, async ({ host, upstream, clock, use, connection }) => {
    upstream.people.delete("ann");
    assert.equal((await use()).status, 200);
    clock.advance(16 * MINUTE);
    const reply = await use();
    assert.equal(reply.status, 400);
    assert.equal(reply.body.error, "invalid_grant");
    assert.equal(await isAlive(host.url, connection.reply.body.access_token), false);
    assert.equal((await use()).body.error, "invalid_grant");
  });
});

test("a session of someone who was removed leads to the sign-in page, not to a code", async () => {
  const clock = createClock();
  await withUpstream({ clock }, async ({ host, upstream }) => {
    const person = createPerson("");
    await connectUpstream(host.url, upstream, person, "ann");
    upstream.people.delete("ann");
    clock.advance(16 * MINUTE);
    const { challenge } = pkce();
    const client = await registerClient(host.url);
    const page = await person.open(authorizationUrl(host.url, client, { code_challenge: challenge, code_challenge_method: "S256" }));
    assert.match(page.html, /Continue with/);
  });
});

for (const [does, alter] of [
  ["is down", failing],
  ["refuses our secret", refusing("invalid_client")],
  ["lies", changeJson("/token", () => ({ access_token: "x", token_type: "bearer", id_token: "x.y.z" }))],
  ["answers for another person", undefined],
] as const) {
  test(`a provider that ${does} ends nothing for a day, and lets nobody in after it`, async () => {
    await whileConnected({}, async ({ upstream, clock, use, checks, connection, host }) => {
      upstream.alter = alter ?? upstream.resign((claims) => ({ ...claims, sub: "bob" }));
      clock.advance(16 * MINUTE);
      assert.equal((await use()).status, 200);
      assert.equal(checks(), 1);
      // A failed check is not repeated at once.
      assert.equal((await use()).status, 200);
      assert.equal(checks(), 1);
      clock.advance(23 * HOUR);
      assert.equal((await use()).status, 200);
      clock.advance(HOUR);
      const late = await use();
      assert.equal(late.status, 503);
      assert.equal(late.body.error, "temporarily_unavailable");
      assert.match(late.headers.get("retry-after") ?? "", /^\d+$/);
      // It is back: nobody has lost a login.
      upstream.alter = upstream.resign((claims) => ({ ...claims, exp: (claims.exp ?? 0) + 48 * 3600 }));
      clock.advance(2 * MINUTE);
      assert.equal((await use()).status, 200);
      assert.equal(await isAlive(host.url, connection.reply.body.access_token), false);
    });
  });
}

test("the limit is the operator's", async () => {
  const env = { UPSTREAM_CHECK_EVERY: "60", UPSTREAM_CHECK_LIMIT: "900" };
  await whileConnected({ env }, async ({ upstream, clock, use, checks }) => {
    clock.advance(61_000);
    assert.equal((await use()).status, 200);
    assert.equal(checks(), 1);
    await upstream.down();
    clock.advance(14 * MINUTE);
    assert.equal((await use()).status, 200);
    clock.advance(2 * MINUTE);
    assert.equal((await use()).status, 503);
    await upstream.up();
    clock.advance(MINUTE);
    assert.equal((await use()).status, 200);
  });
});

test("a refresh token that the provider replaces is kept, and used the next time", async () => {
  await whileConnected({ settings: { configuration: { rotateRefreshToken: true } } }, async ({ upstream, clock, use, checks }) => {
    const seen = new Set<string>();
    for (let count = 0; count < 3; count++) {
      clock.advance(16 * MINUTE);
      assert.equal((await use()).status, 200);
      seen.add(upstream.sent.get("/token")?.get("refresh_token") ?? "");
    }
    assert.equal(checks(), 3);
    assert.equal(seen.size, 3);
  });
});

for (const path of ["/jwks", "/me"]) {
  test(`a refresh token that the provider replaced is kept also when ${path} cannot be had after it`, async () => {
    const settings = { configuration: { rotateRefreshToken: true, conformIdTokenClaims: true } };
    await whileConnected({ settings }, async ({ upstream, clock, use, checks }) => {
      const renamed = upstream.resign((claims) => claims, { kid: "renamed" });
      const down: Alter = (answer) => (answer.path === path ? { ...answer, status: 503, body: "" } : undefined);
      upstream.alter = path === "/jwks" ? allOf(renamed, down) : down;
      for (const count of [1, 2]) {
        clock.advance(16 * MINUTE);
        assert.equal((await use()).status, 200);
        assert.equal(checks(), count);
      }
      upstream.alter = undefined;
      clock.advance(2 * MINUTE);
      assert.equal((await use()).status, 200);
      assert.equal(checks(), 3);
    });
  });
}

test("a provider that gives no new ID token is asked what it says by now, and believed if it leaves nothing out", async () => {
  const env = { ALLOWED_EMAIL_DOMAINS: "", ALLOWED_GROUPS: "staff" };
  const withoutIdToken = changeJson("/token", ({ id_token: _none, ...body }) => body);
  await whileConnected({ ann: { groups: ["staff"] }, env }, async ({ upstream, clock, use }) => {
    const said = { ...ANN, groups: ["visitors"] };
    const lacking = { ...said, name: undefined };
    upstream.people.set("ann", lacking);
    upstream.alter = withoutIdToken;
    clock.advance(16 * MINUTE);
    assert.equal((await use()).status, 200);
    // Somebody else's answer is none.
    upstream.people.set("ann", said);
    upstream.alter = allOf(
      withoutIdToken,
      changeJson("/me", (claims) => ({ ...claims, sub: "bob" })),
    );
    clock.advance(16 * MINUTE);
    assert.equal((await use()).status, 200);
    upstream.alter = withoutIdToken;
    clock.advance(16 * MINUTE);
    assert.equal((await use()).body.error, "invalid_grant");
  });
});

test("who may enter, and with which scopes, follows what the provider says by now", async () => {
  const env = { ALLOWED_EMAIL_DOMAINS: "", ALLOWED_GROUPS: "staff", SCOPE_RULES: '{"todos:write":["editors"]}' };
  await whileConnected({ ann: { groups: ["staff", "editors"] }, env }, async ({ upstream, clock, use }) => {
    // Our clock goes on, the provider's does not.
    upstream.alter = upstream.resign((claims) => ({ ...claims, exp: (claims.exp ?? 0) + 3600 }));
    clock.advance(16 * MINUTE);
    assert.match((await use()).body.scope, /todos:write/);
    upstream.people.set("ann", { ...ANN, groups: ["staff"] });
    clock.advance(16 * MINUTE);
    const narrowed = await use();
    assert.equal(narrowed.status, 200);
    assert.doesNotMatch(narrowed.body.scope, /todos:write/);
    upstream.people.set("ann", { ...ANN, groups: ["staff", "editors"] });
    clock.advance(16 * MINUTE);
    assert.match((await use()).body.scope, /todos:write/);
    upstream.people.set("ann", { ...ANN, groups: ["editors"] });
    clock.advance(16 * MINUTE);
    assert.equal((await use()).body.error, "invalid_grant");
  });
});

test("a group that has no rule's scope is not asked for it on the consent page", async () => {
  await withUpstream({ ann: { groups: ["staff"] }, env: { SCOPE_RULES: '{"todos:write":["editors"]}' } }, async ({ host, upstream }) => {
    const { consent, reply } = await connectUpstream(host.url, upstream, createPerson(""), "ann");
    assert.doesNotMatch(consent.html, /<code>todos:write<\/code>/);
    assert.doesNotMatch(reply.body.scope, /todos:write/);
  });
});

test("without a refresh token of the provider's there is nobody to ask, and the grant lives its life", async () => {
  await whileConnected({ settings: { configuration: { issueRefreshToken: () => false } } }, async ({ upstream, clock, use, checks }) => {
    upstream.people.delete("ann");
    clock.advance(48 * HOUR);
    assert.equal((await use()).status, 200);
    assert.equal(checks(), 0);
  });
});

test("the provider's tokens lie in the store sealed, and reach nobody", async () => {
  await whileConnected({}, async ({ host, upstream, clock, use }) => {
    clock.advance(16 * MINUTE);
    const reply = await use();
    const token = upstream.sent.get("/token")?.get("refresh_token") ?? "";
    assert.ok(token.length > 20);
    const { entries } = await host.service.store.scan({ name: "upstream_login", codec: { parse: (value: unknown) => value } as never });
    assert.equal(entries.length, 1);
    assert.ok(!JSON.stringify(entries).includes(token));
    assert.ok(!JSON.stringify(reply.body).includes(token));
  });
});

test("a provider's refresh token is not shown to another that has its id now", async () => {
  const clock = createClock();
  await withUpstream({ clock }, async ({ host }) => {
    const [upstream] = host.service.config.upstreams;
    const person = { subject: "ann", profile: {}, groups: [] };
    const former = { id: upstream?.id ?? "", issuer: "https://former.example" };
    const login = await keepLogin(host.service, "somebody", former, person, "a refresh token");
    const vouched = { subject: "somebody", upstream: { provider: former.id, login }, profile: {}, since: clock() };
    const stateAfter = async (time: number) => {
      clock.advance(time);
      return (await checkUpstream(host.service, { id: "test", note: () => undefined }, vouched)).state;
    };
    // The one that is there now was not asked: it would have refused the token, which ends everything.
    assert.deepEqual([await stateAfter(HOUR), await stateAfter(24 * HOUR)], ["stands", "unknown"]);
  });
});

test("a provider that the operator took away vouches for nobody beyond the limit", async () => {
  const clock = createClock();
  await withUpstream({ clock }, async ({ host }) => {
    const trail = { id: "test", note: () => undefined };
    const stateOf = async (login?: string) => {
      const vouched = { subject: "somebody", upstream: { provider: "gone", login }, profile: {}, since };
      return (await checkUpstream(host.service, trail, vouched)).state;
    };
    const since = clock();
    const person = { subject: "ann", profile: {}, groups: [] };
    const login = await keepLogin(host.service, "somebody", { id: "gone", issuer: "https://gone.example" }, person, "a refresh token");
    for (const state of ["stands", "unknown"]) {
      assert.deepEqual([await stateOf(), await stateOf(login)], [state, state]);
      clock.advance(25 * HOUR);
    }
  });
});
