import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createClock, SECOND } from "../support/clock.mts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import { type Connected, connect, isAlive, postForm, refresh } from "../support/oauth.mts";
import { admin, makeStateFolder } from "./admin-command.mts";

const SECRET = "a-secret-of-at-least-thirty-two-characters";
const folder = makeStateFolder();
const env = folder.env("grants.db");
const clock = createClock();
let host: TestHost;
let ann: Connected;
let bob: Connected;
before(async () => {
  const clients = [{ client_id: "nightly", client_secret: SECRET, grant_types: ["client_credentials"], scope: "todos:read" }];
  host = await startPlainHost({ clock, env: { ...env, OAUTH_CLIENTS_JSON: JSON.stringify(clients) } });
  [ann, bob] = [await connect(host.url), await connect(host.url, { email: "bob@example.com" })];
});
after(async () => {
  await host.close();
  folder.remove();
});

interface Listed {
  readonly grant: string;
  readonly subject: string;
  readonly client: string;
  readonly state: string;
  readonly died_of?: string;
}

async function list(...options: string[]): Promise<Listed[]> {
  const { status, stdout, stderr } = await admin(["grants", "list", ...options, "--json"], env);
  assert.equal(status, 0, stderr);
  return (JSON.parse(stdout) as { grants: Listed[] }).grants;
}

const [subjectOf, grantOf] = [
  ({ refreshToken }: Connected) => refreshToken.split(".")[0] ?? "",
  ({ refreshToken }: Connected) => refreshToken.split(".")[1] ?? "",
];

test("living grants are listed, all of them, one person's or one client's, without secrets or addresses", async () => {
  assert.deepEqual((await list()).map(({ grant }) => grant).sort(), [grantOf(ann), grantOf(bob)].sort());
  assert.deepEqual(
    (await list("--subject", subjectOf(ann))).map(({ client }) => client),
    [ann.client.id],
  );
  assert.deepEqual(
    (await list("--client", bob.client.id)).map(({ subject }) => subject),
    [subjectOf(bob)],
  );
  const { stdout } = await admin(["grants", "list", "--all", "--json"], env);
  assert.doesNotMatch(stdout, /example\.com|[hH]ash|family/);
});

test("a revoked grant is dead in the running service within ten seconds, alone, and says so", async () => {
  assert.equal(await isAlive(host.url, ann.accessToken), true);
  const { status, stdout, stderr } = await admin(["grants", "revoke", grantOf(ann), "--json"], env);
  assert.equal(status, 0);
  assert.deepEqual(JSON.parse(stdout), { ok: true, grant: grantOf(ann), revoked: true });
  assert.partialDeepStrictEqual(JSON.parse(stderr), { event: "revoke", request: "admin", subject: subjectOf(ann), reason: "operator" });
  clock.advance(10 * SECOND);
  assert.equal(await isAlive(host.url, ann.accessToken), false);
  assert.equal((await refresh(host.url, ann.client, ann.refreshToken)).body.error, "invalid_grant");
  assert.equal(await isAlive(host.url, bob.accessToken), true);
  assert.deepEqual(
    (await list("--all", "--subject", subjectOf(ann))).map(({ state, died_of }) => [state, died_of]),
    [["dead", "operator"]],
  );
  const again = await admin(["grants", "revoke", grantOf(ann)], env);
  assert.match(again.stdout, /was dead already/);
});

test("a machine's grant is listed and revoked like any other", async () => {
  const ask = () => postForm(`${host.url}/oauth/token`, { grant_type: "client_credentials", client_id: "nightly", client_secret: SECRET });
  const { access_token: token } = (await ask()).body;
  const [machine] = await list("--subject", "client:nightly");
  await admin(["grants", "revoke", machine?.grant ?? ""], env);
  clock.advance(10 * SECOND);
  await assert.rejects(async () => host.service.bearer.verify(`Bearer ${token}`, "mcp"));
});

test("a grant that there is not is said to be none", async () => {
  const { status, stderr } = await admin(["grants", "revoke", "nothing"], env);
  assert.equal(status, 1);
  assert.match(stderr, /there is no grant nothing/);
});
