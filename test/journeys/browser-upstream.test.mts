import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import axe, { type AxeResults } from "axe-core";
import type { Browser, Page } from "playwright-core";
import { launchChromium, NO_CHROMIUM } from "../support/chromium.mts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import { authorizationUrl, DEVELOPMENT_CLIENT, isAlive, pkce, redeem } from "../support/oauth.mts";
import { startUpstream, type TestUpstream, UPSTREAM_CLIENT } from "../support/upstream.mts";
import { page as pageOf, type Site, startSite, visit } from "./browser-person.mts";

describe("a sign-in at the company's provider in Chromium", { skip: NO_CHROMIUM }, () => {
  let upstream: TestUpstream;
  let host: TestHost;
  let browser: Browser;
  let callback: Site;
  before(async () => {
    upstream = await startUpstream();
    upstream.people.set("ann", { sub: "ann", email: "ann@example.com", email_verified: true, name: "Ann Example" });
    const entry = {
      id: "corp",
      name: "Example Corp",
      issuer: upstream.issuer,
      client_id: UPSTREAM_CLIENT.id,
      client_secret: UPSTREAM_CLIENT.secret,
    };
    const entries = [entry, { ...entry, id: "partner", domains: ["partner.example"] }];
    host = await startPlainHost({ env: { UPSTREAMS_JSON: JSON.stringify(entries), ALLOWED_EMAIL_DOMAINS: "example.com" } });
    await upstream.open({
      redirect_uris: [`${host.url}/oauth/callback/corp`],
      post_logout_redirect_uris: [`${host.url}/oauth/end_session/done`],
    });
    browser = await launchChromium();
    callback = await startSite(pageOf(""));
  });
  after(async () => {
    await browser?.close();
    await callback?.close();
    await host?.close();
    await upstream?.close();
  });

  const protectedBy = (challenge: string) => ({ code_challenge: challenge, code_challenge_method: "S256" });

  /** From the sign-in page to the consent page. */
  async function signIn(page: Page): Promise<void> {
    await page.getByRole("button", { name: "Continue with Example Corp" }).click();
    await page.getByLabel("Account").fill("ann");
    await page.getByRole("button", { name: "Sign in upstream" }).click();
  }

  for (const javaScriptEnabled of [true, false]) {
    test(`ends in tokens, and the sign-out ends it there too, ${javaScriptEnabled ? "with" : "without"} JavaScript`, async () => {
      const client = { ...DEVELOPMENT_CLIENT, redirectUri: `${callback.origin}/callback` };
      const { verifier, challenge } = pkce();
      await visit(browser, { javaScriptEnabled }, async (page) => {
        await page.goto(authorizationUrl(host.url, client, protectedBy(challenge)).href);
        await signIn(page);
        await page.getByText("ann@example.com").first().waitFor();
        await page.getByRole("button", { name: "Allow" }).click();
        await page.waitForURL(`${callback.origin}/**`);
        const code = new URL(page.url()).searchParams.get("code") ?? "";
        const { body } = await redeem(host.url, client, code, { code_verifier: verifier });
        assert.equal(await isAlive(host.url, body.access_token), true);
        await page.goto(`${host.url}/account`);
        await page.getByRole("button", { name: "Sign out", exact: true }).click();
        assert.equal(new URL(page.url()).origin, upstream.issuer);
        await page.getByRole("button", { name: /yes/i }).click();
        await page.getByRole("heading", { name: "You are signed out" }).waitFor();
      });
    });
  }

  test("is begun in two tabs at once, and both come to their end", async () => {
    const client = { ...DEVELOPMENT_CLIENT, redirectUri: `${callback.origin}/callback` };
    const urlFor = (state: string) => authorizationUrl(host.url, client, { ...protectedBy(pkce().challenge), state }).href;
    await visit(browser, {}, async (first) => {
      const second = await first.context().newPage();
      await Promise.all([first.goto(urlFor("first")), second.goto(urlFor("second"))]);
      await first.getByRole("button", { name: "Continue with Example Corp" }).click();
      await signIn(second);
      await second.getByRole("button", { name: "Allow" }).waitFor();
      await first.getByLabel("Account").fill("ann");
      await first.getByRole("button", { name: "Sign in upstream" }).click();
      for (const [tab, state] of [
        [first, "first"],
        [second, "second"],
      ] as const) {
        await tab.getByRole("button", { name: "Allow" }).click();
        await tab.waitForURL(`${callback.origin}/**`);
        assert.equal(new URL(tab.url()).searchParams.get("state"), state);
        assert.ok(new URL(tab.url()).searchParams.get("code"));
      }
    });
  });

  test("comes by pages that are accessible, on a phone and on a desk, light and dark", async () => {
    for (const [width, colorScheme] of [
      [375, "dark"],
      [1280, "light"],
    ] as const) {
      const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme });
      const page = await context.newPage();
      await page.goto(authorizationUrl(host.url, DEVELOPMENT_CLIENT, protectedBy(pkce().challenge)).href);
      await expectNoViolations(page);
      await page.getByLabel("Your e-mail address").fill("ann@elsewhere.example");
      await page.getByRole("button", { name: "Continue", exact: true }).click();
      await page.getByRole("alert").waitFor();
      await expectNoViolations(page);
      await context.close();
    }
  });
});

async function expectNoViolations(page: Page): Promise<void> {
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate("axe.run()")) as AxeResults;
  assert.deepEqual(
    violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`),
    [],
  );
  assert.equal(await page.evaluate("document.documentElement.scrollWidth > innerWidth"), false);
}
