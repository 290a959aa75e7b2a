import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { launchChromium, NO_CHROMIUM } from "../support/chromium.mts";
import { startPlainHost } from "../support/host.mts";
import { authorizationUrl, DEVELOPMENT_CLIENT, isAlive, pkce, redeem } from "../support/oauth.mts";
import { startMailServer } from "../support/smtp.mts";
import { startUpstream, UPSTREAM_CLIENT } from "../support/upstream.mts";
import { page as pageOf, type Site, startSite, visit } from "./browser-person.mts";

/** Each way in, from the client's request to a token, in a browser of a person's own. */
describe("every way to sign in, in Chromium", { skip: NO_CHROMIUM, concurrency: false }, () => {
  let browser: Browser;
  let callback: Site;
  before(async () => {
    browser = await launchChromium();
    callback = await startSite(pageOf(""));
  });
  after(async () => {
    await browser?.close();
    await callback?.close();
  });

  /** Signs in by `way` at a service with these variables, allows, and uses the token that this is worth. */
  async function goThrough(
    env: Readonly<Record<string, string>>,
    email: string,
    way: (page: Page, url: string) => Promise<void>,
  ): Promise<void> {
    const host = await startPlainHost({ env });
    const client = { ...DEVELOPMENT_CLIENT, redirectUri: `${callback.origin}/callback` };
    const { verifier, challenge } = pkce();
    try {
      await visit(browser, {}, async (page) => {
        await page.goto(authorizationUrl(host.url, client, { code_challenge: challenge, code_challenge_method: "S256" }).href);
        await way(page, host.url);
        await page.getByText(email).first().waitFor();
        await page.getByRole("button", { name: "Allow" }).click();
        await page.waitForURL(`${callback.origin}/**`);
        const code = new URL(page.url()).searchParams.get("code") ?? "";
        const { body } = await redeem(host.url, client, code, { code_verifier: verifier });
        assert.equal(await isAlive(host.url, body.access_token), true);
      });
    } finally {
      await host.close();
    }
  }

  /** The same at a provider of whose entry `more` is a part. */
  async function goThroughProvider(more: object, way: (page: Page) => Promise<void>): Promise<void> {
    const upstream = await startUpstream();
    upstream.people.set("ann", { sub: "ann", email: "ann@partner.example", email_verified: true, name: "Ann Example" });
    const { id, secret } = UPSTREAM_CLIENT;
    const entry = { id: "partner", name: "Partner", issuer: upstream.issuer, client_id: id, client_secret: secret, ...more };
    const env = { UPSTREAMS_JSON: JSON.stringify([entry]), ALLOWED_EMAIL_DOMAINS: "partner.example" };
    try {
      await goThrough(env, "ann@partner.example", async (page, url) => {
        await upstream.open({ redirect_uris: [`${url}/oauth/callback/partner`] });
        await way(page);
        await page.getByLabel("Account").fill("ann");
        await page.getByRole("button", { name: "Sign in upstream" }).click();
      });
    } finally {
      await upstream.close();
    }
  }

  test("by the domain of an address, which leads to the provider that has it", () =>
    goThroughProvider({ domains: ["partner.example"] }, async (page) => {
      assert.equal(await page.getByRole("button", { name: /Partner/ }).count(), 0);
      await page.getByLabel("Your e-mail address").fill("ann@partner.example");
      await page.getByRole("button", { name: "Continue", exact: true }).click();
    }));

  test("by the provider that is fixed for a client, and by no other", () =>
    goThroughProvider({ clients: [DEVELOPMENT_CLIENT.id] }, async (page) => {
      assert.equal(await page.getByLabel("Your e-mail address").count(), 0);
      await page.getByRole("button", { name: "Continue with Partner" }).click();
    }));

  test("by a code that comes by mail", async () => {
    const mailServer = await startMailServer();
    const env = { SMTP_URL: `smtp://127.0.0.1:${mailServer.port}`, MAIL_FROM: "portico@example.com" };
    try {
      await goThrough(env, "ann@example.com", async (page) => {
        await page.getByLabel("Your e-mail address").fill("ann@example.com");
        await page.getByRole("button", { name: "Send me a code" }).click();
        const [code] = /[A-Z0-9]{4}-[A-Z0-9]{4}/.exec((await mailServer.next()).text) ?? [];
        assert.ok(code);
        assert.equal(await page.getByText(code).count(), 0);
        await page.getByLabel("Code").fill(code);
        await page.getByRole("button", { name: "Continue", exact: true }).click();
      });
    } finally {
      await mailServer.close();
    }
  });
});
