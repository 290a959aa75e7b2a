import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createSecureServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import { launchChromium, NO_CHROMIUM } from "../support/chromium.mts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import { authorizationUrl, pkce, redeem, registerClient } from "../support/oauth.mts";
import { page as pageOf, type Site, signIn, startSite, visit } from "./browser-person.mts";

describe("consent in Chromium", { skip: NO_CHROMIUM }, () => {
  let host: TestHost;
  let browser: Browser;
  before(async () => {
    host = await startPlainHost({});
    browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    await host?.close();
  });

  async function withSite(site: Promise<Site>, use: (origin: string) => Promise<void>): Promise<void> {
    const { origin, close } = await site;
    try {
      await use(origin);
    } finally {
      await close();
    }
  }

  function urlFor(client: { readonly id: string; readonly redirectUri: string }, parameters: Readonly<Record<string, string>> = {}) {
    const { verifier, challenge } = pkce();
    const url = authorizationUrl(host.url, client, { code_challenge: challenge, code_challenge_method: "S256", ...parameters });
    return { url: url.href, verifier };
  }

  test("an https callback is reached and may go on to a private-use scheme", { timeout: 60_000 }, async () => {
    const seen: string[] = [];
    const callback = startSite(
      (request, response) => {
        seen.push(request.url ?? "");
        response.writeHead(302, { location: `portico-test://callback${request.url}` }).end();
      },
      (answer) => createSecureServer(selfSigned(), answer),
    );
    await withSite(callback, async (origin) => {
      const client = await registerClient(host.url, { redirect_uris: [`${origin}/callback`] });
      const { url, verifier } = urlFor(client);
      await visit(browser, { ignoreHTTPSErrors: true }, async (page) => {
        const session = await page.context().newCDPSession(page);
        await session.send("Network.enable");
        const followed = new Promise<string>((resolve) => {
          session.on("Network.requestWillBeSent", ({ request }) => {
            if (request.url.startsWith("portico-test:")) resolve(request.url);
          });
        });
        await page.goto(url);
        await signIn(page);
        await page.getByRole("button", { name: "Allow" }).click({ noWaitAfter: true });
        const last = new URL(await followed);
        assert.equal(seen.length, 1);
        const reply = await redeem(host.url, client, last.searchParams.get("code") ?? "", { code_verifier: verifier });
        assert.equal(reply.status, 200);
      });
    });
  });

  test("a doubled click on Allow gives one answer that works", async () => {
    await withSite(startSite(pageOf("")), async (origin) => {
      const client = { ...(await registerClient(host.url)), redirectUri: `${origin}/callback` };
      const { url, verifier } = urlFor(client);
      await visit(browser, {}, async (page) => {
        await page.goto(url);
        await signIn(page);
        await page.getByRole("button", { name: "Allow" }).dblclick();
        await page.waitForURL(`${origin}/**`);
        const code = new URL(page.url()).searchParams.get("code") ?? "";
        assert.equal((await redeem(host.url, client, code, { code_verifier: verifier })).status, 200);
      });
    });
  });

  test("two tabs opened at once in a new browser come to their end side by side", async () => {
    await withSite(startSite(pageOf("")), async (origin) => {
      const client = { ...(await registerClient(host.url)), redirectUri: `${origin}/callback` };
      await visit(browser, {}, async (first) => {
        const second = await first.context().newPage();
        await Promise.all([first.goto(urlFor(client, { state: "first" }).url), second.goto(urlFor(client, { state: "second" }).url)]);
        await signIn(first);
        await signIn(second);
        for (const [tab, state] of [
          [second, "second"],
          [first, "first"],
        ] as const) {
          await tab.getByRole("button", { name: "Allow" }).click();
          await tab.waitForURL(`${origin}/**`);
          assert.equal(new URL(tab.url()).searchParams.get("state"), state);
          assert.ok(new URL(tab.url()).searchParams.get("code"));
        }
      });
    });
  });

  test("a popup keeps its opener through sign-in and consent and hands the answer back", { timeout: 60_000 }, async () => {
    const done = pageOf("<script>opener.postMessage(location.href, '*'); close()</script>");
    await withSite(startSite(done), async (callback) => {
      const client = { ...(await registerClient(host.url)), redirectUri: `${callback}/callback` };
      const { url } = urlFor(client);
      const app = `<button onclick='popup = open(${JSON.stringify(url)}, "sign-in", "popup,width=500,height=700")'>Connect</button>
<output></output><script>addEventListener("message", (event) => document.querySelector("output").textContent = event.data)</script>`;
      await withSite(startSite(pageOf(app)), async (origin) => {
        await visit(browser, {}, async (opener) => {
          await opener.goto(origin);
          const opened = opener.waitForEvent("popup");
          await opener.getByRole("button", { name: "Connect" }).click();
          const popup = await opened;
          await signIn(popup);
          assert.equal(await opener.evaluate("popup.closed"), false);
          assert.equal(await popup.evaluate("opener !== null"), true);
          await popup.getByRole("button", { name: "Allow" }).click({ noWaitAfter: true });
          await opener.getByText("code=").waitFor();
          assert.equal(new URL(await opener.locator("output").innerText()).searchParams.get("iss"), host.url);
        });
      });
    });
  });

  test("no other page can show ours in a frame", async () => {
    const client = await registerClient(host.url);
    const framing = pageOf(
      `<iframe src="${urlFor(client).url.replaceAll("&", "&amp;")}"></iframe><iframe src="${host.url}/account"></iframe>`,
    );
    await withSite(startSite(framing), async (origin) => {
      const context = await browser.newContext();
      const page = await context.newPage();
      const refusals: string[] = [];
      page.on("console", (message) => message.type() === "error" && refusals.push(message.text()));
      await page.goto(origin, { waitUntil: "networkidle" });
      assert.equal(refusals.filter((text) => /frame-ancestors/.test(text)).length, 2, refusals.join("\n"));
      for (const frame of page.frames().slice(1)) assert.equal(await frame.getByRole("heading").count(), 0);
      await context.close();
    });
  });
});

/** A certificate that no browser trusts. */
function selfSigned(): { readonly key: Buffer; readonly cert: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), "portico-callback-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  try {
    const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
    execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", cert, ...subject], {
      stdio: "ignore",
    });
    return { key: readFileSync(key), cert: readFileSync(cert) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
