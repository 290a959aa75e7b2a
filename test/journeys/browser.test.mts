import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import { launchChromium, NO_CHROMIUM } from "../support/chromium.mts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import { authorizationUrl, pkce, redeem, registerClient } from "../support/oauth.mts";
import { page as pageOf, type Site, signIn, startSite, visit } from "./browser-person.mts";

describe("a person in Chromium", { skip: NO_CHROMIUM }, () => {
  let host: TestHost;
  let browser: Browser;
  let callback: Site;
  let redirectUri: string;
  before(async () => {
    host = await startPlainHost({});
    browser = await launchChromium();
    callback = await startSite(pageOf(""));
    redirectUri = `${callback.origin}/callback`;
  });
  after(async () => {
    await browser?.close();
    await callback?.close();
    await host?.close();
  });

  for (const javaScriptEnabled of [true, false]) {
    test(`goes from the authorization request to a working token ${javaScriptEnabled ? "with" : "without"} JavaScript`, async () => {
      const client = await registerClient(host.url, { redirect_uris: ["http://127.0.0.1/callback"] });
      const { verifier, challenge } = pkce();
      const protection = { code_challenge: challenge, code_challenge_method: "S256" };
      await visit(browser, { javaScriptEnabled }, async (page) => {
        await page.goto(authorizationUrl(host.url, { ...client, redirectUri }, protection).href);
        await signIn(page);
        assert.equal(await page.getByRole("heading", { level: 1 }).textContent(), "Allow access?");
        await page.getByRole("button", { name: "Allow" }).click();
        await page.waitForURL(`${redirectUri}**`);
        const answer = new URL(page.url());
        assert.equal(answer.searchParams.get("iss"), host.url);
        const reply = await redeem(host.url, { ...client, redirectUri }, answer.searchParams.get("code") ?? "", {
          code_verifier: verifier,
        });
        assert.equal(reply.status, 200);
      });
    });
  }

  test("can go back and forth, reload, and answer in one of two tabs", async () => {
    const client = await registerClient(host.url, { redirect_uris: ["http://127.0.0.1/callback"] });
    const protection = { code_challenge: pkce().challenge, code_challenge_method: "S256" };
    await visit(browser, {}, async (page) => {
      const other = await page.context().newPage();
      await page.goto(authorizationUrl(host.url, { ...client, redirectUri }, { ...protection, state: "first" }).href);
      await other.goto(authorizationUrl(host.url, { ...client, redirectUri }, { ...protection, state: "second" }).href);
      await signIn(page);
      await page.getByRole("heading", { name: "Allow access?" }).waitFor();
      await page.reload();
      await page.getByRole("button", { name: "Allow" }).click();
      await page.waitForURL(`${redirectUri}**`);
      assert.equal(new URL(page.url()).searchParams.get("state"), "first");
      await signIn(other);
      await other.getByRole("button", { name: "Deny" }).click();
      await other.waitForURL(`${redirectUri}**`);
      assert.equal(new URL(other.url()).searchParams.get("state"), "second");
      assert.equal(new URL(other.url()).searchParams.get("error"), "access_denied");
    });
  });

  test("finds everything to copy on the setup page and registers a Custom GPT there", async () => {
    await visit(browser, {}, async (page) => {
      await page.goto(host.url);
      await page.getByText("Claude Code", { exact: true }).first().click();
      assert.ok(await page.getByText(`claude mcp add --transport http portico ${host.url}/mcp`).isVisible());
      await page.getByText("Custom GPT", { exact: true }).first().click();
      await page.getByLabel("Callback URL").fill("https://chat.openai.com/aip/g-browser/oauth/callback");
      await page.getByRole("button", { name: "Register" }).click();
      assert.ok(await page.getByText("custom-gpt-g-browser").isVisible());
    });
  });
});
