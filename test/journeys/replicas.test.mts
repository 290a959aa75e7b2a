import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { createPerson } from "../../tools/person.mts";
import { MCP_FLOWS, OAUTH_FLOWS, registerOnSetupPage, useCustomGpt } from "../support/flows.mts";
import { authorizationUrl, connect, DEVELOPMENT_GPT, pkce, postForm, redeem, refresh, registerClient } from "../support/oauth.mts";
import { type Replicas, startReplicas } from "../support/replicas.mts";
import { STORES, type StartedStore } from "../support/shared-stores.mts";

/** Milliseconds between two looks at a token that is to die: the other stores' tests need the processor meanwhile. */
const POLL_INTERVAL = 50;

// The stores side by side, since each waits ten seconds for a revocation; the tests of a store one after the other.
describe("two replicas", { concurrency: true }, () => {
  for (const store of STORES)
    describe(`on ${store.name}`, { concurrency: false, skip: store.missing ?? false }, () => {
      let shared: StartedStore;
      let replicas: Replicas;
      before(async () => {
        shared = await store.start();
        replicas = await startReplicas(shared.stateUrl);
      });
      after(async () => {
        await replicas?.close();
        await shared?.stop();
      });

      const callMcp = (accessToken: string, name: string, input: object = {}) =>
        fetch(`${replicas.url}/mcp`, {
          method: "POST",
          headers: {
            "content-type": "application/json",
            accept: "application/json, text/event-stream",
            authorization: `Bearer ${accessToken}`,
          },
          body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: input } }),
        });

      test("serve every step of every sign-in, whichever of them it reaches", async () => {
        for (let round = 0; round < 3; round++) {
          const mcp = await connect(replicas.url, { email: `ann${round}@example.com` });
          for (let call = 0; call < 4; call++)
            assert.equal((await callMcp(mcp.accessToken, "create_todo", { title: `To-do ${call}` })).status, 200);
          const listed = (await (await callMcp(mcp.accessToken, "list_todos")).json()) as {
            result: { structuredContent: { todos: unknown[] } };
          };
          assert.equal(listed.result.structuredContent.todos.length, 4);
          const gpt = await connect(replicas.url, { client: DEVELOPMENT_GPT, email: `ann${round}@example.com` });
          for (let call = 0; call < 4; call++) {
            const reply = await fetch(`${replicas.url}/actions/list_todos`, { headers: { authorization: `Bearer ${gpt.accessToken}` } });
            assert.equal(((await reply.json()) as { todos: unknown[] }).todos.length, 4);
          }
        }
      });

      for (const { does, run } of [...MCP_FLOWS, ...OAUTH_FLOWS]) test(`${does}, whichever of them it reaches`, () => run(replicas.url));

      test("know a Custom GPT, and its newest secret, as soon as the other registered it", async () => {
        for (const [here, there] of [
          [0, 1],
          [1, 0],
        ] as const) {
          const client = await replicas.through(here, () => registerOnSetupPage(replicas.url, "g-shared"));
          await replicas.through(there, () => useCustomGpt(replicas.url, client));
        }
      });

      test("publish the same keys", async () => {
        const sets = await Promise.all([1, 2, 3, 4].map(async () => (await fetch(`${replicas.url}/.well-known/jwks.json`)).text()));
        assert.equal(new Set(sets).size, 1);
      });

      test("let one of many parallel redemptions through, and answer parallel refreshes with one pair", async () => {
        const client = await registerClient(replicas.url);
        const { verifier, challenge } = pkce();
        const url = authorizationUrl(replicas.url, client, { code_challenge: challenge, code_challenge_method: "S256" });
        const code = (await createPerson("bob@example.com").authorize(url)).searchParams.get("code") ?? "";
        const redemptions = await Promise.all(
          Array.from({ length: 10 }, () => redeem(replicas.url, client, code, { code_verifier: verifier })),
        );
        assert.equal(redemptions.filter(({ status }) => status === 200).length, 1);
        const { client: other, refreshToken } = await connect(replicas.url);
        const refreshes = await Promise.all(Array.from({ length: 20 }, () => refresh(replicas.url, other, refreshToken)));
        assert.deepEqual([...new Set(refreshes.map(({ status }) => status))], [200]);
        assert.equal(new Set(refreshes.map(({ body }) => body.refresh_token)).size, 1);
      });

      test("both refuse a token that either revoked, within ten seconds", async () => {
        const { client, accessToken, refreshToken } = await connect(replicas.url);
        for (let call = 0; call < 4; call++) assert.equal((await callMcp(accessToken, "auth_session")).status, 200);
        await postForm(`${replicas.url}/oauth/revoke`, { token: refreshToken, client_id: client.id });
        const deadline = Date.now() + 10_500;
        // The last round starts after the deadline, however slow the machine is.
        for (let startedAt = 0, alive = 2; alive > 0; ) {
          assert.ok(startedAt < deadline, `${alive} of two calls passed`);
          startedAt = Date.now();
          alive = 0;
          for (let call = 0; call < 2; call++) if ((await callMcp(accessToken, "auth_session")).status === 200) alive += 1;
          if (alive > 0) await setTimeout(POLL_INTERVAL);
        }
      });

      test("lose nobody when one of them is killed under load", async () => {
        const people = await Promise.all(
          Array.from({ length: 5 }, (_, index) => connect(replicas.url, { email: `load${index}@example.com` })),
        );
        const sessions = people.map(({ client, refreshToken }) => ({ client, refreshToken }));
        let killed: Promise<void> | undefined;
        await Promise.all(
          sessions.map(async (session) => {
            for (let turn = 0; turn < 12; turn++) {
              if (turn === 4) killed ??= replicas.kill(0);
              const reply = await refresh(replicas.url, session.client, session.refreshToken).catch(() => undefined);
              // A reply that was lost with the replica is asked for again, as clients do.
              if (reply?.status === 200) session.refreshToken = reply.body.refresh_token;
              else assert.ok(reply === undefined || reply.status >= 500, JSON.stringify(reply?.body));
            }
          }),
        );
        await killed;
        for (const { client, refreshToken } of sessions) assert.equal((await refresh(replicas.url, client, refreshToken)).status, 200);
      });
    });
});
