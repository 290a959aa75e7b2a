import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { type SpawnedService, spawnService } from "../support/host.mts";
import { authorizationUrl, connect, isAlive, pkce, refresh } from "../support/oauth.mts";
import { STORES } from "../support/shared-stores.mts";
import { admin, makeStateFolder } from "./admin-command.mts";

const folder = makeStateFolder();
after(folder.remove);

const here = STORES.filter(({ missing }) => missing === undefined);

for (const [index, from] of here.entries()) {
  const to = here[(index + 1) % here.length] ?? from;

  test(`state that is moved from ${from.name} to ${to.name} logs nobody out: tokens, refresh, browser and data go on`, async (context) => {
    const [source, target] = [await from.start(), await to.start()];
    let running: SpawnedService | undefined;
    context.after(async () => {
      await running?.stop();
      await source.stop();
      await target.stop();
    });
    const keys = { STATE_KEYS_JSON: JSON.stringify({ keys: [{ kty: "oct", kid: "1", k: Buffer.alloc(32, 7).toString("base64url") }] }) };
    const [before, afterwards] = [
      { ...keys, STATE_URL: source.stateUrl },
      { ...keys, STATE_URL: target.stateUrl },
    ];
    // The issuer names the port, so both services have the same.
    const port = { PORT: String(await freePort()) };

    const old = await spawnService({ env: { ...port, ...before } });
    const { client, person, accessToken, refreshToken } = await connect(old.url, { parameters: { resource: `${old.url}/mcp` } });
    assert.equal((await callTool(old.url, accessToken, "create_todo", { title: "Move house" })).status, 200);
    await old.stop();

    const file = folder.path(`moving-${index}.jsonl`);
    assert.equal((await admin(["state", "export", file], before)).status, 0);
    const imported = await admin(["state", "import", file], afterwards);
    assert.deepEqual([imported.status, imported.stderr], [0, ""]);
    assert.equal((await admin(["state", "check"], afterwards)).status, 0);

    const moved = await spawnService({ env: { ...port, ...afterwards } });
    running = moved;
    assert.equal(await isAlive(moved.url, accessToken), true);
    const listed = await callTool(moved.url, accessToken, "list_todos", {});
    assert.equal(listed.status, 200);
    assert.match(await listed.text(), /Move house/);

    const renewed = await refresh(moved.url, client, refreshToken);
    assert.equal(renewed.status, 200);
    assert.equal((await callTool(moved.url, renewed.body.access_token, "list_todos", {})).status, 200);
    assert.equal((await refresh(moved.url, client, renewed.body.refresh_token)).status, 200);

    const again = await person.open(
      authorizationUrl(moved.url, client, {
        resource: `${moved.url}/mcp`,
        code_challenge: pkce().challenge,
        code_challenge_method: "S256",
      }),
    );
    assert.match(again.html, /<title>Allow access\?/, "the browser is not asked to sign in");
  });
}

test("without its state keys moved state is not complete: the import warns and check fails", async () => {
  const [mine, others] = [1, 2].map((byte) => ({
    STATE_KEYS_JSON: JSON.stringify({ keys: [{ kty: "oct", kid: `k${byte}`, k: Buffer.alloc(32, byte).toString("base64url") }] }),
  }));
  const service = await spawnService({ env: { ...mine, ...folder.env("keyed.db") } });
  await connect(service.url);
  await service.stop();
  const { stdout } = await admin(["state", "export", "-"], { ...mine, ...folder.env("keyed.db") });
  const { stderr } = await admin(["state", "import", "-"], { ...others, ...folder.env("unkeyed.db") }, stdout);
  assert.match(stderr, /^warning: .*\(k1\); 1 imported records/m);
  const checked = await admin(["state", "check"], { ...others, ...folder.env("unkeyed.db") });
  assert.equal(checked.status, 1);
  assert.match(checked.stdout, /FAIL {2}state keys: .*k1/);
});

function callTool(url: string, accessToken: string, name: string, input: object): Promise<Response> {
  return fetch(`${url}/mcp`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      authorization: `Bearer ${accessToken}`,
      "mcp-protocol-version": "2025-06-18",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: input } }),
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
