import assert from "node:assert/strict";
import { test } from "node:test";
import { type Claims, personFrom } from "../../../auth/identity/upstream/claims.ts";
import { UpstreamFault } from "../../../auth/identity/upstream/fault.ts";
import { loadConfig } from "../../../shared/config.ts";
import { createPerson } from "../../../tools/person.mts";
import { connectUpstream } from "../../support/upstream.mts";
import { withUpstream } from "./setting.mts";

/** Whom a provider means, as it is configured. */
function person(signed: Claims, told?: Claims, entry: Readonly<Record<string, unknown>> = {}) {
  const upstreams = [{ id: "corp", issuer: "https://sso.example.com", client_id: "portico", client_secret: "x", ...entry }];
  const config = loadConfig({ NODE_ENV: "test", STATE_URL: "sqlite::memory:", UPSTREAMS_JSON: JSON.stringify(upstreams) });
  const [upstream] = config.upstreams;
  if (!upstream) throw new Error("no upstream");
  return personFrom(upstream, config, signed, told);
}

test("a subject is a text of some length and nothing that becomes one", () => {
  for (const sub of [undefined, null, "", 7, true, ["ann"], { ann: true }, "x".repeat(513)]) {
    assert.throws(() => person({ sub }), UpstreamFault, JSON.stringify(sub));
    assert.throws(() => person({ sub }, { sub: "ann" }), UpstreamFault);
  }
  assert.equal(person({ sub: " Ann " }).subject, " Ann ");
  assert.throws(() => person({ sub: "ann" }, { oid: "1" }, { claims: { subject: "oid" } }), UpstreamFault);
  assert.throws(() => person({ sub: "ann" }, {}, { claims: { subject: "constructor" } }), UpstreamFault);
});

test("whether an address is verified is said beside that address, or not at all", () => {
  const ann = { email: "ann@example.com" };
  const verified = (signed: Claims, told?: Claims) => person({ sub: "1", ...signed }, told).profile;
  // The other's flag says nothing of this address.
  assert.deepEqual(verified(ann, { email: "eve@example.com", email_verified: true }), { ...ann, emailVerified: false });
  assert.deepEqual(verified(ann, { email_verified: true }), { ...ann, emailVerified: false });
  assert.deepEqual(verified({ email_verified: true }, ann), { ...ann, emailVerified: false });
  // The same address, and a flag beside it.
  assert.deepEqual(verified(ann, { email: "Ann@Example.com", email_verified: true }), { ...ann, emailVerified: true });
  assert.deepEqual(verified({ ...ann, email_verified: false }, { ...ann, email_verified: true }), { ...ann, emailVerified: false });
  assert.deepEqual(verified({}, { ...ann, email_verified: true }), { ...ann, emailVerified: true });
  for (const flag of [1, "yes", "TRUE", {}, [true], null]) {
    assert.equal(verified({ ...ann, email_verified: flag }).emailVerified, false, JSON.stringify(flag));
  }
});

test("what is no address is none, whatever an allowed domain it ends in", () => {
  const odd = [
    ["ann@example.com"],
    7,
    "ann@evil.example,ann@example.com",
    "<ann@example.com>",
    "ann@example.com\r\nBcc: eve@example.org",
    "",
  ];
  for (const email of odd) assert.equal(person({ sub: "1", email, email_verified: true }).profile.email, undefined, String(email));
});

test("groups are texts, one or many; what is none of them is left out", () => {
  const groups = (claim: unknown) => person({ sub: "1", groups: claim }).groups;
  assert.deepEqual(groups("staff,editors"), ["staff,editors"]);
  assert.deepEqual(groups(["staff", 7, null, ["editors"], { editors: true }, "", "staff", "x".repeat(201)]), ["staff"]);
  for (const claim of [undefined, null, 7, true, { staff: true }]) assert.deepEqual(groups(claim), []);
  assert.equal(groups(Array.from({ length: 500 }, (_, index) => `group ${index}`)).length, 200);
});

test("a name stays on one line and within its length, without half a character at the end", () => {
  const name = (claim: unknown) => person({ sub: "1", name: claim }).profile.name;
  assert.equal(name("Ann\r\nSet-Cookie: a=b\u0000"), "Ann Set-Cookie: a=b ");
  const long = name(`${"x".repeat(199)}\u{1f600}`) ?? "";
  assert.equal(long.length, 200);
  assert.ok(long.isWellFormed());
  for (const claim of [undefined, "", 7, ["Ann"]]) assert.equal(name(claim), undefined);
});

test("markup and line breaks in what a provider tells of a person are text on the page, and all else works", async () => {
  const name = '"><script>alert(1)</script>\r\nx: y\u0000';
  const ann = { email: "ann@example.com\r\nx: y", name, groups: "staff" } as never;
  const env = { ALLOWED_EMAIL_DOMAINS: "", ALLOWED_GROUPS: "staff" };
  await withUpstream({ ann, env }, async ({ host, upstream }) => {
    const { consent, reply } = await connectUpstream(host.url, upstream, createPerson(""), "ann", {
      parameters: { scope: "openid email profile" },
    });
    assert.match(consent.html, /&quot;&gt;&lt;script&gt;alert\(1\)&lt;\/script&gt; x: y/);
    assert.doesNotMatch(consent.html, /<script>alert/);
    const response = await fetch(`${host.url}/oauth/userinfo`, { headers: { authorization: `Bearer ${reply.body.access_token}` } });
    const { sub: _sub, ...told } = (await response.json()) as Record<string, unknown>;
    assert.deepEqual(told, { name: '"><script>alert(1)</script> x: y ' });
  });
});
