import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createPerson, shownCode } from "../../tools/person.mts";
import { PROJECT, startPlainHost, type TestHost } from "../support/host.mts";
import { authorizationUrl, DEVELOPMENT_CLIENT, DEVELOPMENT_GPT, pkce, postForm, registerClient } from "../support/oauth.mts";

/** Faults that authorization servers of this kind had, and that no other test of this folder tries. */

let host: TestHost;
before(async () => {
  host = await startPlainHost({});
});
after(() => host.close());

const PROTECTED = { code_challenge: pkce().challenge, code_challenge_method: "S256" };

test("an id that looks like a client's is no client", async () => {
  for (const id of [randomUUID(), "portico-development ", "PORTICO-DEVELOPMENT", "portico-development\0", "__proto__", "*"]) {
    const page = await createPerson("eve@example.com").open(authorizationUrl(host.url, { ...DEVELOPMENT_CLIENT, id }, PROTECTED));
    assert.equal(page.status, 400, id);
    assert.equal(page.leaves, undefined, id);
    const { body } = await postForm(`${host.url}/oauth/token`, { grant_type: "refresh_token", refresh_token: "x", client_id: id });
    assert.equal(body.error, "invalid_client", id);
  }
});

test("a secret is compared, whole and exactly, wherever it is shown", async () => {
  const { id, secret = "" } = DEVELOPMENT_GPT;
  const wrong = [secret.slice(0, -1), `${secret}x`, secret.toUpperCase(), `${secret} `, "undefined", "null", "x"];
  for (const candidate of wrong) {
    const fields = { grant_type: "refresh_token", refresh_token: "x" };
    const basic = `Basic ${Buffer.from(`${id}:${encodeURIComponent(candidate)}`).toString("base64")}`;
    const inBody = await postForm(`${host.url}/oauth/token`, { ...fields, client_id: id, client_secret: candidate });
    const inHeader = await postForm(`${host.url}/oauth/token`, fields, { authorization: basic });
    for (const { status, body } of [inBody, inHeader]) {
      assert.equal(status, 401, candidate);
      assert.equal(body.error, "invalid_client", candidate);
    }
  }
});

test("markup in whatever a stranger may name is text on every page", async () => {
  const markup = `"><script>alert(1)</script><img src=x onerror=alert(1)>'`;
  const client = await registerClient(host.url, { client_name: markup, client_uri: markup, logo_uri: markup });
  const person = createPerson("ann@example.com");
  const hints = { ...PROTECTED, state: markup, nonce: markup, login_hint: `"<script>"@example.com`, ui_locales: markup };
  const signIn = await person.open(authorizationUrl(host.url, client, hints));
  const refused = await person.submit(signIn, /\/email$/, { email: markup });
  const code = await person.submit(refused, /\/email$/, { email: "ann@example.com" });
  const wrong = await person.submit(code, /\/code$/, { code: markup });
  const consent = await person.submit(wrong, /\/code$/, { code: shownCode(code) });
  const unknown = await person.open(`${host.url}/oauth/authorize?client_id=${encodeURIComponent(markup)}`);
  const account = await person.open(`${host.url}/account?done=${encodeURIComponent(markup)}`);
  for (const { html, url } of [signIn, refused, code, wrong, consent, unknown, account]) {
    assert.ok(html.length > 0, url.pathname);
    assert.doesNotMatch(html, /<script>alert|<img\b|onerror=alert\(1\)>/, url.pathname);
  }
});

test("no source evaluates text, turns certificate checks off, or makes a secret from Math.random", () => {
  const sources = globSync("{auth,mcp,actions,shared}/**/*.ts", { cwd: PROJECT });
  assert.ok(sources.length > 100);
  for (const path of sources) {
    const text = readFileSync(join(PROJECT, path), "utf8");
    assert.doesNotMatch(text, /\beval\(|new Function\(|\bnode:vm\b|rejectUnauthorized: false|NODE_TLS_REJECT_UNAUTHORIZED/, path);
    if (path.startsWith("auth/") || path === "shared/hash.ts") assert.doesNotMatch(text, /Math\.random/, path);
  }
});
