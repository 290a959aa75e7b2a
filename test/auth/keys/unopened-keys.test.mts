import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startPlainHost } from "../../support/host.mts";

const stateKeys = (fill: number) =>
  JSON.stringify({ keys: [{ kty: "oct", kid: "test", k: Buffer.alloc(32, fill).toString("base64url") }] });

test("signing keys that cannot be opened here fail each request, and no request fails unheard", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "portico-keys-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const STATE_URL = `sqlite:${join(folder, "state.db")}`;
  const first = await startPlainHost({ env: { STATE_URL, STATE_KEYS_JSON: stateKeys(1) } });
  assert.equal((await fetch(`${first.url}/.well-known/jwks.json`)).status, 200);
  await first.close();

  const unheard: unknown[] = [];
  const hear = (error: unknown) => void unheard.push(error);
  process.on("unhandledRejection", hear);
  t.after(() => process.off("unhandledRejection", hear));
  const second = await startPlainHost({ env: { STATE_URL, STATE_KEYS_JSON: stateKeys(2) } });
  t.after(() => second.close());
  for (let attempt = 0; attempt < 3; attempt++) {
    const body = new URLSearchParams({ grant_type: "refresh_token", client_id: "nobody", refresh_token: "invented" });
    const { status } = await fetch(`${second.url}/oauth/token`, { method: "POST", body });
    assert.ok(status === 500 || status === 401, String(status));
  }
  assert.deepEqual(unheard, []);
});
