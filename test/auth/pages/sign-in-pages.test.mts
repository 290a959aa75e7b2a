import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ClientView } from "../../../auth/pages/client-view.ts";
import { codePage } from "../../../auth/pages/code.ts";
import { consentPage } from "../../../auth/pages/consent.ts";
import { errorPage } from "../../../auth/pages/error.ts";
import { signInPage } from "../../../auth/pages/sign-in.ts";
import { loopback, scopes, unverified, verified } from "./views.mts";

const signIn = (client: ClientView, more = {}) => String(signInPage({ client, scopes, action: "/in", ...more }).body);
const code = (client: ClientView, more = {}) =>
  String(codePage({ client, action: "/code", email: "ada@example.com", restartAction: "/re", ...more }).body);
const consent = (client: ClientView, more = {}) =>
  String(
    consentPage({
      client,
      scopes,
      account: "ada@example.com",
      action: "/ok?t=1&u=2",
      shown: "proof",
      switchAction: "/switch",
      surface: "mcp",
      ...more,
    }).body,
  );
const three = [signIn, code, consent];

const renamed = (name: string | undefined): ClientView => ({ ...unverified, name });
const shownName = (page: string) => /<p class="client-name"><bdi>(.*?)<\/bdi>/.exec(page)?.[1];

describe("a client's name", () => {
  it("never stands without the redirect host and the word unverified", () => {
    for (const page of three) {
      const text = page(unverified);
      assert.match(
        text,
        /<bdi>ChatGPT<\/bdi> <span class="badge caution">unverified<\/span><\/p>\s*<p class="client-host">sends you back to <strong dir="ltr">chatgpt\.com<\/strong>/,
      );
      assert.equal(text.split("ChatGPT").length, 2, "the name stands in one place only");
    }
  });

  it("stands without the word unverified, but with the host, when the operator registered the client", () => {
    for (const page of three) {
      assert.doesNotMatch(page(verified), /unverified/);
      assert.match(page(verified), /<strong dir="ltr">chat\.openai\.com<\/strong>/);
    }
  });

  it("shows markup as text", () => {
    for (const page of three) {
      const text = page(renamed(`<img src=x onerror=alert(1)>"'&`));
      assert.equal(shownName(text), "&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;");
      assert.doesNotMatch(text, /<img/);
    }
  });

  it("loses control, bidirectional and invisible characters", () => {
    assert.equal(shownName(signIn(renamed("\u202eGood\u0000\u200b \u2066App\u2069\r\n\u061cname\ufeff"))), "Good App name");
  });

  it("loses stacked marks that would cover other text", () => {
    assert.equal(shownName(signIn(renamed(`A${"\u0301".repeat(50)}B`))), `A${"\u0301".repeat(3)}B`);
  });

  it("is cut when long, between characters", () => {
    const name = shownName(signIn(renamed("😀a".repeat(500)))) ?? "";
    assert.equal([...name].length, 61);
    assert.ok(name.endsWith("😀a…"));
  });

  it("gives way to plain words when nothing of it can be read", () => {
    for (const name of [undefined, "", "\u3164\u200b", " \u2800 "]) assert.equal(shownName(signIn(renamed(name))), "An app without a name");
  });

  it("does not shorten the host, whose end tells whose it is", () => {
    const redirectHost = `${"login.bank.example.".repeat(12)}evil.example`;
    assert.ok(signIn({ ...unverified, redirectHost }).includes(`>${redirectHost}<`));
  });
});

describe("the sign-in page", () => {
  it("names no client where someone signs in to see their own account", () => {
    const text = String(signInPage({ client: undefined, scopes: [], action: "/in" }).body);
    assert.doesNotMatch(text, /class="client"|An app asks/);
  });

  it("names each scope before anything is sent", () => {
    for (const { scope, words } of scopes)
      assert.ok(signIn(unverified).includes(`<li><span>${words}`) && signIn(unverified).includes(`<code>${scope}</code>`));
  });

  it("keeps the address that was typed and says what is wrong with it", () => {
    const reply = signInPage({ client: unverified, scopes, action: "/in", email: `"><b>`, fault: "Not an <address>." });
    assert.equal(reply.status, 400);
    assert.match(String(reply.body), /value="&quot;&gt;&lt;b&gt;"/);
    assert.match(String(reply.body), /<p class="fault" id="email-fault" role="alert">Not an &lt;address&gt;\.<\/p>/);
    assert.match(String(reply.body), /aria-describedby="email-hint email-fault" aria-invalid="true"/);
  });

  it("posts the e-mail address to the action", () => {
    assert.match(signIn(unverified), /<form method="post" action="\/in">[\s\S]*name="email"/);
  });
});

describe("the code page", () => {
  it("asks for a one-time code and shows it 4-4 only when development gives it", () => {
    assert.match(code(unverified), /<input id="code" name="code" required[^>]* autocomplete="one-time-code"/);
    assert.doesNotMatch(code(unverified), /development-code/);
    assert.match(code(unverified, { developmentCode: "ABCD-2345" }), /<code id="development-code" class="code">ABCD-2345<\/code>/);
  });

  it("offers a new code and another address", () => {
    const form = /<form class="beside" method="post" action="\/re">([\s\S]*?)<\/form>/.exec(code(unverified))?.[1] ?? "";
    assert.deepEqual(
      [...form.matchAll(/name="restart" value="(\w+)"/g)].map((match) => match[1]),
      ["resend", "address"],
    );
  });

  it("does not tell whether the address may sign in", () => {
    assert.match(code(unverified), /If <strong><bdi>ada@example\.com<\/bdi><\/strong> may sign in here/);
  });
});

describe("the consent page", () => {
  it("names the host that a metadata document lies at, beside the host that it redirects to", () => {
    const other = consent({ ...unverified, documentHost: "evil.example" });
    assert.match(other, /described at <strong dir="ltr">evil\.example</);
    assert.match(other, /sends you back to <strong dir="ltr">chatgpt\.com</);
  });

  it("tells where it can be ended again", () => {
    assert.match(consent(unverified), /<a href="\/account" target="_blank" rel="noopener">your account<\/a>/);
  });

  it("offers allow and deny in one form, and another account in a form of its own", () => {
    const form = /<form class="decision" method="post" action="\/ok\?t=1&amp;u=2">([\s\S]*?)<\/form>/.exec(consent(unverified))?.[1] ?? "";
    assert.deepEqual(
      [...form.matchAll(/name="decision" value="(\w+)"/g)].map((match) => match[1]),
      ["allow", "deny"],
    );
    assert.match(consent(unverified), /<form method="post" action="\/switch"><button class="quiet" type="submit">Not you\?/);
  });

  it("shows the account and what the access is good for", () => {
    assert.match(consent(unverified), /<bdi>ada@example\.com<\/bdi>/);
    assert.match(consent(unverified), /tools of this service \(MCP\)/);
    assert.match(consent(unverified, { surface: "actions" }), /actions of a GPT \(REST\)/);
  });

  it("warns of a name that the client chose itself, and of programs on the person's own computer", () => {
    assert.match(consent(unverified), /chose its name itself/);
    assert.match(consent(loopback), /runs on your own computer/);
    assert.doesNotMatch(consent(verified), /role="note"/);
  });

  it("marks what is new, unless everything is", () => {
    assert.equal(consent(unverified).split(">new<").length, 2);
    assert.doesNotMatch(consent(unverified, { scopes: scopes.map((scope) => ({ ...scope, isNew: true })) }), />new</);
  });
});

describe("the error page", () => {
  const view = { status: 403, title: "No <way>", message: "It is <closed>.", requestId: "r-1" };

  it("says what happened, with the request's id and the status", () => {
    const reply = errorPage(view);
    assert.equal(reply.status, 403);
    assert.match(String(reply.body), /<h1>No &lt;way&gt;<\/h1>\n<p>It is &lt;closed&gt;\.<\/p>/);
    assert.match(String(reply.body), /<code>r-1<\/code>/);
    assert.doesNotMatch(String(reply.body), /<a /);
  });

  it("names the host it links to, and does not go there by itself", () => {
    const text = String(errorPage({ ...view, link: { href: "https://app.example/cb?error=x&state=y", host: "app.example" } }).body);
    assert.match(text, /href="https:\/\/app\.example\/cb\?error=x&amp;state=y">Go back to&#32;<span dir="ltr">app\.example<\/span><\/a>/);
    assert.doesNotMatch(text, /http-equiv/i);
  });

  it("makes a link of web addresses only", () => {
    for (const href of [
      "javascript:alert(1)",
      "JavaScript://app.example/%0aalert(1)",
      "data:text/html,x",
      "app.scheme:/cb",
      "/relative",
      "not a url",
    ]) {
      const text = String(errorPage({ ...view, link: { href, host: "app.example" } }).body);
      assert.doesNotMatch(text, /<a /);
      assert.match(text, /app\.example/);
    }
  });
});
