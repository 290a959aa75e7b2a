import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type UpstreamLogin, upstreamLoginKind } from "../../../auth/identity/upstream/login.ts";
import { checkUpstream } from "../../../auth/identity/upstream/standing.ts";
import { createService, type Service } from "../../../shared/service.ts";
import { createPerson } from "../../../tools/person.mts";
import { createClock, MINUTE, SECOND, type TestClock } from "../../support/clock.mts";
import { startPlainHost } from "../../support/host.mts";
import { refresh } from "../../support/oauth.mts";
import { connectUpstream, startUpstream, type TestUpstream, UPSTREAM_CLIENT } from "../../support/upstream.mts";
import { ANN } from "./setting.mts";

interface Replicated {
  readonly upstream: TestUpstream;
  readonly clock: TestClock;
  /** Two services on one store. */
  readonly services: readonly [Service, Service];
  /** Asks one of them whether Ann stands. */
  readonly check: (service: Service) => Promise<string>;
  /** Refreshes an app's token at the first. */
  readonly use: () => ReturnType<typeof refresh>;
  /** Refreshes at the provider so far. */
  readonly asked: () => number;
  readonly login: () => Promise<UpstreamLogin | undefined>;
}

/** Ann has signed in at a provider that replaces its refresh token at each use, and ends all of them when an old one comes. */
async function withReplicas(use: (replicated: Replicated) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "portico-upstream-lease-"));
  const upstream = await startUpstream({ configuration: { rotateRefreshToken: true } });
  upstream.people.set("ann", ANN);
  const clock = createClock();
  const entry = { id: "corp", issuer: upstream.issuer, client_id: UPSTREAM_CLIENT.id, client_secret: UPSTREAM_CLIENT.secret };
  const env = {
    NODE_ENV: "test",
    LOG_LEVEL: "silent",
    STATE_URL: `sqlite:${join(folder, "state.db")}`,
    UPSTREAMS_JSON: JSON.stringify([entry]),
    ALLOWED_EMAIL_DOMAINS: "example.com",
    STATE_KEYS_JSON: JSON.stringify({ keys: [{ kty: "oct", kid: "test", k: Buffer.alloc(32, 7).toString("base64url") }] }),
  };
  const host = await startPlainHost({ env, clock });
  const other = await createService({ env: { ...env, PORT: new URL(host.url).port }, clock });
  try {
    await upstream.open({ redirect_uris: [`${host.url}/oauth/callback/corp`] });
    const { client, reply } = await connectUpstream(host.url, upstream, createPerson(""), "ann", { provider: "corp" });
    const claims = JSON.parse(Buffer.from(reply.body.access_token.split(".")[1], "base64url").toString());
    const subject: string = claims.sub;
    const list = () => other.store.list(upstreamLoginKind, subject);
    const [kept] = (await list()).entries;
    const vouched = { subject, upstream: { provider: "corp", login: kept?.id }, profile: {}, since: clock() };
    const tokenRequests = () => upstream.calls.filter((call) => call === "POST /token").length;
    const first = tokenRequests();
    let token: string = reply.body.refresh_token;
    await use({
      upstream,
      clock,
      services: [host.service, other],
      check: async (service) => (await checkUpstream(service, { id: "test", note: () => undefined }, vouched)).state,
      async use() {
        const refreshed = await refresh(host.url, client, token);
        token = refreshed.body.refresh_token ?? token;
        return refreshed;
      },
      asked: () => tokenRequests() - first,
      login: async () => (await list()).entries[0]?.value,
    });
  } finally {
    await other.close();
    await host.close();
    await upstream.close();
    rmSync(folder, { recursive: true });
  }
}

test("of all checks at once in two replicas one asks the provider, and each replaced token is used once", async () => {
  await withReplicas(async ({ clock, services: [one, two], check, use, asked }) => {
    for (let round = 1; round <= 4; round++) {
      clock.advance(16 * MINUTE);
      const checks = Array.from({ length: 12 }, (_, index) => check(index % 2 === 0 ? one : two));
      const [refreshed, ...states] = await Promise.all([use(), ...checks]);
      assert.equal(refreshed.status, 200);
      assert.deepEqual(new Set(states), new Set(["stands"]));
      assert.equal(asked(), round);
    }
  });
});

test("while one replica asks, the other goes by the last result; when it has died, the other asks once its lease is over", async () => {
  await withReplicas(async ({ upstream, clock, services: [one, two], check, asked, login }) => {
    clock.advance(16 * MINUTE);
    let goOn: (() => void) | undefined;
    upstream.alter = (answer) =>
      answer.path === "/token"
        ? new Promise((done) => {
            goOn = () => done({ ...answer, status: 503, body: "" });
          })
        : undefined;
    const held = check(one);
    while (goOn === undefined) await new Promise(setImmediate);
    assert.equal(await check(two), "stands");
    clock.advance(29 * SECOND);
    assert.equal(await check(two), "stands");
    assert.equal(asked(), 1);
    upstream.alter = undefined;
    clock.advance(2 * SECOND);
    const before = (await login())?.checkedAt;
    // The provider has replaced the token that died with the first replica's answer: it says no, and that is what holds.
    assert.equal(await check(two), "ended");
    assert.equal(asked(), 2);
    goOn();
    assert.equal(await held, "ended");
    assert.equal((await login())?.checkedAt, before);
    assert.equal(await check(one), "ended");
  });
});
