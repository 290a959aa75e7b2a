import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import axe, { type AxeResults } from "axe-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { launchChromium, NO_CHROMIUM } from "../../support/chromium.mts";
import { pages, setup } from "./views.mts";

/** Every rule of WCAG 2.2 AA that axe knows, and its best practices. */
const RULES = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] };

describe("the pages in Chromium", { skip: NO_CHROMIUM }, () => {
  let server: Server;
  let browser: Browser;
  let origin: string;

  before(async () => {
    server = createServer((request, response) => {
      const reply = pages[decodeURIComponent((request.url ?? "/").slice(1))];
      for (const [name, value] of Object.entries(reply?.headers ?? {})) response.setHeader(name, value);
      response.writeHead(reply?.status ?? 404).end(reply?.body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await launchChromium();
  });

  after(async () => {
    await browser?.close();
    server?.close();
  });

  const addressOf = (name: string) => `${origin}/${encodeURIComponent(name)}`;

  async function inContext(options: BrowserContextOptions, look: (page: Page) => Promise<void>): Promise<void> {
    const context = await browser.newContext(options);
    try {
      await look(await context.newPage());
    } finally {
      await context.close();
    }
  }

  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [375, 1280]) {
      it(`are accessible and fit the window, ${colorScheme}, ${width} px wide`, async () => {
        await inContext({ colorScheme, viewport: { width, height: 800 } }, async (page) => {
          for (const name of Object.keys(pages)) {
            await page.goto(addressOf(name));
            await page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true");
            await page.evaluate(axe.source);
            const { violations, passes } = (await page.evaluate(`axe.run(document, ${JSON.stringify(RULES)})`)) as AxeResults;
            const found = violations.map(
              ({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join("; ")}`,
            );
            assert.deepEqual(found, [], name);
            assert.ok(
              passes.some((pass) => pass.id === "color-contrast"),
              "contrast was measured",
            );
            assert.equal(
              await page.evaluate("document.documentElement.scrollWidth <= innerWidth"),
              true,
              `${name} needs no sideways scrolling`,
            );
          }
        });
      });
    }
  }

  it("are styled and break no rule of their own policy", async () => {
    await inContext({}, async (page) => {
      const refused: string[] = [];
      page.on("console", (message) => refused.push(...(/Content.Security.Policy/i.test(message.text()) ? [message.text()] : [])));
      for (const name of Object.keys(pages)) {
        await page.goto(addressOf(name));
        assert.equal(await page.evaluate("getComputedStyle(document.querySelector('main h1')).fontSize !== '32px'"), true, name);
      }
      assert.deepEqual(refused, []);
    });
  });

  it("copy a value with one click on the setup page", async () => {
    await inContext({ permissions: ["clipboard-read", "clipboard-write"] }, async (page) => {
      await page.goto(addressOf("setup on loopback"));
      await page.getByRole("button", { name: "Copy MCP server URL" }).first().click();
      await page.getByRole("button", { name: "Copied MCP server URL" }).waitFor();
      assert.equal(await page.evaluate("navigator.clipboard.readText()"), setup.mcpUrl);
    });
  });

  it("need no script: guides unfold, a click selects a whole value, no dead button shows", async () => {
    await inContext({ javaScriptEnabled: false }, async (page) => {
      await page.goto(addressOf("setup on loopback"));
      assert.equal(await page.getByRole("button", { name: /^Copy/ }).count(), 0);
      const value = page.getByText("claude mcp add");
      assert.equal(await value.isVisible(), false);
      await page.getByText("One command in a terminal").click();
      assert.equal(await value.isVisible(), true);
      await value.click();
      assert.equal(await page.evaluate("getSelection().toString()"), `claude mcp add --transport http portico ${setup.mcpUrl}`);
    });
  });
});
