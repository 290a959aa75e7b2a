import assert from "node:assert/strict";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";

/** What a person does in Chromium, and the sites of others that they meet. */

/** A page in a browser that nobody used before. Whatever the browser complains about in its console is a fault. */
export async function visit(browser: Browser, options: BrowserContextOptions, go: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext(options);
  try {
    const complaints: string[] = [];
    context.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    await go(await context.newPage());
    assert.deepEqual(complaints, []);
  } finally {
    await context.close();
  }
}

/** From the sign-in page to the page after it. */
export async function signIn(page: Page, email = "ann@example.com"): Promise<void> {
  await page.getByLabel("Your e-mail address").fill(email);
  await page.getByRole("button", { name: "Send me a code" }).click();
  await page.getByLabel("Code").fill((await page.locator("#development-code").textContent()) ?? "");
  await page.getByRole("button", { name: "Continue" }).click();
}

/** Another site on this machine. */
export interface Site {
  readonly origin: string;
  close(): Promise<void>;
}

export async function startSite(answer: RequestListener, make: (answer: RequestListener) => Server = createServer): Promise<Site> {
  const server = make((request, response) => {
    if (request.url === "/favicon.ico") response.writeHead(204).end();
    else answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const scheme = make === createServer ? "http" : "https";
  return {
    origin: `${scheme}://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A page of a site, as its server sends it. */
export function page(html: string): RequestListener {
  return (_request, response) => response.setHeader("content-type", "text/html").end(`<!doctype html><title>Page</title>${html}`);
}
