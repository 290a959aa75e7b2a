import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createClock, HOUR } from "../support/clock.mts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import { authorizationUrl, DEVELOPMENT_CLIENT, pkce } from "../support/oauth.mts";

const clock = createClock();
let host: TestHost;
before(async () => {
  const env = { TRUSTED_PROXIES: "1", LIMIT_VISITS_PER_ADDRESS: "10", LIMIT_CODES_PER_ADDRESS: "3", SHARED_EGRESS: "198.51.100.0/24" };
  host = await startPlainHost({ clock, env });
});
after(() => host.close());

const PROTECTED = { code_challenge: pkce().challenge, code_challenge_method: "S256" };

/** A visit from an address, without cookies. */
function visit(address: string, path?: string) {
  const url = path === undefined ? authorizationUrl(host.url, DEVELOPMENT_CLIENT, PROTECTED) : host.url + path;
  return fetch(url, { headers: { "x-forwarded-for": address }, redirect: "manual" });
}

test("a flood of authorization requests from one address stops there and nowhere else", async () => {
  const statuses = [];
  for (let count = 0; count < 12; count++) statuses.push((await visit("203.0.113.7")).status);
  assert.deepEqual(statuses, [...Array(10).fill(303), 429, 429]);
  const refused = await visit("203.0.113.7", "/account");
  assert.equal(refused.status, 429, "a visit to sign in counts like one");
  const seconds = Number(refused.headers.get("retry-after"));
  assert.ok(seconds > 0 && seconds <= 3600, `${seconds}`);
  assert.match(await refused.text(), /Too many attempts/);
  assert.equal((await visit("203.0.113.8")).status, 303);
  clock.advance(HOUR);
  assert.equal((await visit("203.0.113.7")).status, 303);
});

test("an address of a shared egress is not counted, and one household of IPv6 is", async () => {
  for (let count = 0; count < 12; count++) assert.equal((await visit("198.51.100.9")).status, 303);
  const statuses = [];
  for (let count = 0; count < 11; count++) statuses.push((await visit(`2001:db8:1:2::${count + 1}`)).status);
  assert.equal(statuses.at(-1), 429);
  assert.equal((await visit("2001:db8:1:3::1")).status, 303);
});

test("one address cannot have codes sent to ever more people", async () => {
  const statuses = [];
  for (let count = 0; count < 4; count++) {
    const begun = await visit("203.0.113.20");
    const cookie = begun.headers.getSetCookie()[0]?.split(";")[0] ?? "";
    const reply = await fetch(`${host.url}${begun.headers.get("location")}/email`, {
      method: "POST",
      body: new URLSearchParams({ email: `person${count}@example.com` }),
      headers: { cookie, "x-forwarded-for": "203.0.113.20" },
    });
    statuses.push(reply.status);
  }
  assert.deepEqual(statuses, [200, 200, 200, 429]);
});
