import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createPerson } from "../../tools/person.mts";
import { stateUrl as dynamoUrl, startDynalite } from "../support/dynamodb.mts";
import { authorizationUrl, connect, DEVELOPMENT_GPT, pkce, postForm, redeem, refresh, registerClient } from "../support/oauth.mts";
import { startPostgres, whyNoPostgres } from "../support/postgres.mts";
import { type Replicas, startReplicas } from "../support/replicas.mts";

/** A store in which several replicas keep their state. */
interface SharedStore {
  readonly name: string;
  /** Why it cannot be had here. */
  readonly missing?: string | undefined;
  readonly start: () => Promise<{ readonly stateUrl: string; readonly stop: () => Promise<void> | void }>;
}

const STORES: readonly SharedStore[] = [
  {
    name: "SQLite",
    async start() {
      const folder = mkdtempSync(join(tmpdir(), "portico-replicas-"));
      return { stateUrl: `sqlite:${join(folder, "state.db")}`, stop: () => rmSync(folder, { recursive: true }) };
    },
  },
  {
    name: "DynamoDB (dynalite)",
    async start() {
      const dynamo = await startDynalite();
      return { stateUrl: dynamoUrl(dynamo), stop: dynamo.close };
    },
  },
  {
    name: "PostgreSQL",
    missing: whyNoPostgres(),
    async start() {
      const server = await startPostgres();
      return { stateUrl: server.url(await server.createDatabase()), stop: server.remove };
    },
  },
];

for (const store of STORES) {
  describe(`two replicas on ${store.name}`, { skip: store.missing ?? false }, () => {
    let shared: Awaited<ReturnType<SharedStore["start"]>>;
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
      assert.ok(redemptions.filter(({ status }) => status === 200).length <= 1);
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
      let alive = 2;
      while (alive > 0 && Date.now() < deadline) {
        alive = 0;
        for (let call = 0; call < 2; call++) if ((await callMcp(accessToken, "auth_session")).status === 200) alive += 1;
      }
      assert.equal(alive, 0);
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
}
