import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type SpawnedService, spawnService } from "../../support/host.mts";
import { type Connected, connect, isAlive, refresh, type TokenReply } from "../../support/oauth.mts";

const PEOPLE = 6;
const KILLS = 3;

test("kill -9 in the midst of refreshes signs nobody out", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "portico-killed-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const env = { STATE_URL: `sqlite:${join(folder, "state.db")}` };
  let service = await spawnService({ env });
  context.after(() => service.stop());
  const { url } = service;
  const people = await Promise.all(Array.from({ length: PEOPLE }, (_, index) => connect(url, { email: `p${index}@example.com` })));
  let up = Promise.resolve();

  /** A client as they are: what got no answer is asked again with the same token once the service is there. */
  async function refreshSurely({ client }: Connected, refreshToken: string): Promise<TokenReply> {
    for (;;) {
      await up;
      const reply = await refresh(url, client, refreshToken).catch(() => undefined);
      if (reply && reply.status !== 503) return reply;
    }
  }

  let running = true;
  let refreshes = 0;
  const work = people.map(async (person) => {
    let { accessToken, refreshToken } = person;
    for (let last = false; !last; ) {
      last = !running;
      const { status, body } = await refreshSurely(person, refreshToken);
      assert.equal(status, 200, JSON.stringify(body));
      ({ access_token: accessToken, refresh_token: refreshToken } = body);
      refreshes += 1;
    }
    return accessToken;
  });

  for (let kill = 0; kill < KILLS; kill++) {
    const goal = refreshes + 3 * PEOPLE + kill;
    await reached(() => refreshes >= goal);
    up = restart();
    await up;
  }
  running = false;
  for (const accessToken of await Promise.all(work)) assert.equal(await isAlive(url, accessToken), true);

  async function restart(): Promise<void> {
    service.process.kill("SIGKILL");
    await service.exit;
    service = await spawnAt(url, env);
  }
});

/** On the port it had: to its clients it is the same service. */
function spawnAt(url: string, env: Readonly<Record<string, string>>): Promise<SpawnedService> {
  return spawnService({ env: { ...env, PORT: new URL(url).port } });
}

async function reached(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, "the clients stand still");
    await new Promise((done) => setTimeout(done, 5));
  }
}
