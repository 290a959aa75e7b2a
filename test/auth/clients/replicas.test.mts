import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { postForm, registerClient } from "../../support/oauth.mts";
import { startReplicas } from "../../support/replicas.mts";
import { assertionOf, makeKey } from "./client-site.mts";

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

test("an assertion that one replica has taken is refused by the other", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "portico-assertions-"));
  const replicas = await startReplicas(`sqlite:${join(folder, "state.db")}`);
  context.after(async () => {
    await replicas.close();
    rmSync(folder, { recursive: true });
  });
  const key = await makeKey("own", "ES256");
  const { id } = await registerClient(replicas.url, {
    redirect_uris: ["https://app.example/callback"],
    token_endpoint_auth_method: "private_key_jwt",
    jwks: { keys: [key.publicJwk] },
  });
  const present = (assertion: string) =>
    postForm(`${replicas.url}/oauth/revoke`, { token: "x", client_assertion: assertion, client_assertion_type: ASSERTION_TYPE });
  const assertion = await assertionOf(key, id, replicas.url);
  const first = await replicas.through(0, () => present(assertion));
  const second = await replicas.through(1, () => present(assertion));
  assert.deepEqual([first.status, second.status], [200, 401]);
  assert.match(second.body.error_description, /was used before/);
  const together = await assertionOf(key, id, replicas.url);
  const statuses = await Promise.all(Array.from({ length: 8 }, async () => (await present(together)).status));
  assert.deepEqual(statuses.sort(), [200, ...Array(7).fill(401)]);
});
