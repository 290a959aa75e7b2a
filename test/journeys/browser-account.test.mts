import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import axe, { type AxeResults } from "axe-core";
import type { Browser, Page } from "playwright-core";
import { launchChromium, NO_CHROMIUM } from "../support/chromium.mts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import { authorizationUrl, DEVELOPMENT_CLIENT, isAlive, pkce, redeem } from "../support/oauth.mts";
import { page as pageOf, type Site, signIn, startSite, visit } from "./browser-person.mts";

describe("a person's own page in Chromium", { skip: NO_CHROMIUM }, () => {
  let host: TestHost;
  let browser: Browser;
  let callback: Site;
  before(async () => {
    host = await startPlainHost({});
    browser = await launchChromium();
    callback = await startSite(pageOf(""));
  });
  after(async () => {
    await browser?.close();
    await callback?.close();
    await host?.close();
  });

  /** Connects an app in this browser. @returns Its access token. */
  async function connectApp(page: Page): Promise<string> {
    const client = { ...DEVELOPMENT_CLIENT, redirectUri: `${callback.origin}/callback` };
    const { verifier, challenge } = pkce();
    await page.goto(authorizationUrl(host.url, client, { code_challenge: challenge, code_challenge_method: "S256" }).href);
    await signIn(page);
    await page.getByRole("button", { name: "Allow" }).click();
    await page.waitForURL(`${callback.origin}/**`);
    const code = new URL(page.url()).searchParams.get("code") ?? "";
    return (await redeem(host.url, client, code, { code_verifier: verifier })).body.access_token;
  }

  for (const javaScriptEnabled of [true, false]) {
    test(`shows what is connected, ends it and signs out ${javaScriptEnabled ? "with" : "without"} JavaScript`, async () => {
      await visit(browser, { javaScriptEnabled }, async (page) => {
        const accessToken = await connectApp(page);
        await page.goto(`${host.url}/account`);
        assert.ok(await page.getByText("Local development").isVisible());
        await page.getByRole("button", { name: "Disconnect", exact: true }).click();
        await page.getByText("No app is connected").waitFor();
        assert.equal(await isAlive(host.url, accessToken), false);
        await page.getByRole("button", { name: "Sign out", exact: true }).click();
        await page.getByRole("heading", { name: "You are signed out" }).waitFor();
        await page.getByRole("link", { name: "Go to your account" }).click();
        await signIn(page);
        await page.getByRole("heading", { name: "Your account" }).waitFor();
        await page.goto(`${host.url}/oauth/end_session`);
        await page.getByRole("button", { name: "Sign out" }).click();
        await page.getByRole("heading", { name: "You are signed out" }).waitFor();
      });
    });
  }

  test("is accessible as it is served, on a phone and on a desk, light and dark", async () => {
    for (const [width, colorScheme] of [
      [375, "dark"],
      [1280, "light"],
    ] as const) {
      await visit(browser, { viewport: { width, height: 800 }, colorScheme }, async (page) => {
        await connectApp(page);
        for (const path of ["/account", "/oauth/end_session", "/oauth/end_session/done"]) {
          await page.goto(host.url + path);
          await page.evaluate(axe.source);
          const { violations } = (await page.evaluate("axe.run()")) as AxeResults;
          assert.deepEqual(
            violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`),
            [],
            path,
          );
        }
      });
    }
  });

  test("cannot be used by another site's form or picture", async () => {
    const forms = ["account/sign-out-everywhere", "account/disconnect-all", "oauth/end_session/confirm"].map(
      (path, index) =>
        `<form id="f${index}" method="post" action="${host.url}/${path}" target="t${index}"><input name="token" value="x"></form><iframe name="t${index}"></iframe>`,
    );
    const attack = `${forms.join("")}<img src="${host.url}/oauth/end_session"><script>for (const form of document.forms) form.submit()</script>`;
    const context = await browser.newContext();
    const page = await context.newPage();
    const accessToken = await connectApp(page);
    const site = await startSite(pageOf(attack));
    await page.goto(site.origin, { waitUntil: "networkidle" });
    await page.goto(`${host.url}/account`);
    assert.ok(await page.getByText("Local development").isVisible());
    assert.equal(await isAlive(host.url, accessToken), true);
    await context.close();
    await site.close();
  });
});
