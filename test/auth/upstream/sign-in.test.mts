import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createPerson } from "../../../tools/person.mts";
import { HOSTS, type TestHost } from "../../support/host.mts";
import { authorizationUrl, pkce, refresh, registerClient } from "../../support/oauth.mts";
import { connectUpstream, signInUpstream, startUpstream, type TestUpstream, UPSTREAM_CLIENT } from "../../support/upstream.mts";

for (const { host: name, start } of HOSTS) {
  describe(`sign-in upstream on ${name}`, () => {
    let upstream: TestUpstream;
    let host: TestHost;
    before(async () => {
      upstream = await startUpstream();
      upstream.people.set("ann", { sub: "ann", email: "Ann@example.com", email_verified: true, name: "Ann Example" });
      const env = {
        UPSTREAM_OIDC_ISSUER_URL: upstream.issuer,
        UPSTREAM_OIDC_CLIENT_ID: UPSTREAM_CLIENT.id,
        UPSTREAM_OIDC_CLIENT_SECRET: UPSTREAM_CLIENT.secret,
        ALLOWED_EMAIL_DOMAINS: "example.com",
      };
      host = await start({ env });
      await upstream.open({ redirect_uris: [`${host.url}/oauth/callback/upstream`] });
    });
    after(async () => {
      await host?.close();
      await upstream?.close();
    });

    test("leads over our page, the provider and consent to tokens, and tells the client who it is", async () => {
      const person = createPerson("");
      const client = await registerClient(host.url);
      const { challenge } = pkce();
      const page = await person.open(authorizationUrl(host.url, client, { code_challenge: challenge, code_challenge_method: "S256" }));
      assert.match(page.html, /Continue with Single sign-on/);
      assert.match(page.html, /127\.0\.0\.1:7777/);
      assert.doesNotMatch(page.html, /name="email"/);
      assert.deepEqual(upstream.calls, []);
      const consent = await signInUpstream(person, page, upstream, "ann");
      assert.match(consent.html, /ann@example\.com/);

      const { reply } = await connectUpstream(host.url, upstream, createPerson(""), "ann", {
        parameters: { scope: "openid email profile" },
      });
      assert.equal(reply.status, 200);
      const userinfo = await fetch(`${host.url}/oauth/userinfo`, { headers: { authorization: `Bearer ${reply.body.access_token}` } });
      const { sub, ...claims } = (await userinfo.json()) as { sub: string };
      assert.deepEqual(claims, { name: "Ann Example", email: "ann@example.com", email_verified: true });
      assert.notEqual(sub, "ann");
    });

    test("gives one person one subject, however often they come, and refreshes", async () => {
      const [first, second] = [
        await connectUpstream(host.url, upstream, createPerson(""), "ann"),
        await connectUpstream(host.url, upstream, createPerson(""), "ann"),
      ];
      const subjectOf = (token: string) => JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()).sub;
      assert.equal(subjectOf(first.reply.body.access_token), subjectOf(second.reply.body.access_token));
      assert.equal((await refresh(host.url, first.client, first.reply.body.refresh_token)).status, 200);
    });

    test("sends nothing of the transaction upstream in clear, and S256, state and nonce each time", async () => {
      await connectUpstream(host.url, upstream, createPerson(""), "ann");
      const asked = upstream.sent.get("/auth");
      assert.equal(asked?.get("code_challenge_method"), "S256");
      for (const name of ["state", "nonce", "code_challenge"]) assert.ok((asked?.get(name) ?? "").length >= 43, name);
      assert.match(upstream.authorization ?? "", /^Basic /);
      const [, secret = ""] = Buffer.from(upstream.authorization?.slice(6) ?? "", "base64")
        .toString()
        .split(":");
      assert.equal(new URLSearchParams(`x=${secret}`).get("x"), UPSTREAM_CLIENT.secret);
    });
  });
}
