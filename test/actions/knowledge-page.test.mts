import assert from "node:assert/strict";
import { request } from "node:http";
import { after, test } from "node:test";
import { handleKnowledgePage } from "../../actions/knowledge-page.ts";
import { cspSource } from "../../shared/hash.ts";
import { createService } from "../../shared/service.ts";
import { folderOf } from "../shared/capabilities/knowledge/folder-of.mts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import { exchangeOf } from "./exchange.mts";

const folder = folderOf({
  "a b/page.md":
    '---\ntitle: <b>&"A"\n---\n# Hello\n\n<script>alert(1)</script> <img src=x onerror=alert(1)>\n\n[bad](javascript:alert(1)) [good](other.md) ![pixel](https://tracker.example/p.gif)\n\n| a |\n|---|\n| 1 |\n',
});
after(() => folder.close());

async function withHost(env: Readonly<Record<string, string>>, work: (host: TestHost) => Promise<void>): Promise<void> {
  const host = await startPlainHost({ env });
  try {
    await work(host);
  } finally {
    await host.close();
  }
}

/** `fetch` would take dots out of a path, and does not let Host be set. */
function get(url: string, path: string, headers: Readonly<Record<string, string>> = {}): Promise<{ status: number; body: string }> {
  return new Promise((done, fail) => {
    const sent = request(url, { path, headers }, async (response) => {
      let body = "";
      for await (const piece of response.setEncoding("utf8")) body += piece;
      done({ status: response.statusCode ?? 0, body });
    });
    sent.on("error", fail).end();
  });
}

test("a document is a page without script, frame or image, and nothing of it is taken for HTML", () =>
  withHost({ KNOWLEDGE_DIR: folder.path }, async ({ url }) => {
    const response = await fetch(`${url}/knowledge/a%20b/page.md`);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "text/html; charset=utf-8");
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
    const page = await response.text();
    const [, styles = ""] = /<style>([\s\S]*)<\/style>/.exec(page) ?? [];
    const policy = response.headers.get("content-security-policy") ?? "";
    assert.match(policy, /default-src 'none'/);
    assert.ok(policy.includes(`style-src ${cspSource(styles)}`));
    assert.match(page, /<title>&lt;b&gt;&amp;&quot;A&quot;<\/title>/);
    assert.match(page, /<h1>Hello<\/h1>/);
    assert.match(page, /<td>1<\/td>/);
    assert.match(page, /<a href="other.md">good<\/a>/);
    assert.doesNotMatch(page, /<script|<img src=x|href="javascript/);

    const again = await fetch(`${url}/knowledge/a%20b/page.md`, { headers: { "if-none-match": response.headers.get("etag") ?? "" } });
    assert.equal(again.status, 304);
  }));

test("nothing but documents of the folder can be opened", () =>
  withHost({ KNOWLEDGE_DIR: folder.path }, async ({ url }) => {
    for (const path of [
      "",
      "nothing.md",
      "../package.json",
      "..%2f..%2fpackage.json",
      "%2e%2e/%2e%2e/README.md",
      "a%20b",
      "%ff.md",
      "a%20b/page.md%00",
      "a%20b//page.md",
    ]) {
      const { status, body } = await get(url, `/knowledge/${path}`);
      assert.equal(status, 404, path);
      assert.doesNotMatch(body, /portico-knowledge/);
    }
    assert.equal((await fetch(`${url}/knowledge/a%20b/page.md`, { method: "POST" })).status, 405);
    assert.equal((await fetch(`${url}/knowledge/a%20b/page.md`, { method: "HEAD" })).status, 200);
  }));

test("a folder of one's own is shown to this machine alone, unless it is said to be public", async () => {
  const relayed = { "x-forwarded-for": "203.0.113.7" };
  await withHost({ KNOWLEDGE_DIR: folder.path, TRUSTED_PROXIES: "1" }, async ({ url }) => {
    assert.equal((await get(url, "/knowledge/a%20b/page.md")).status, 200);
    assert.equal((await get(url, "/knowledge/a%20b/page.md", relayed)).status, 404);
  });
  await withHost({ KNOWLEDGE_DIR: folder.path, TRUSTED_PROXIES: "1", KNOWLEDGE_PAGES: "public" }, async ({ url }) => {
    assert.equal((await get(url, "/knowledge/a%20b/page.md", relayed)).status, 200);
  });
});

test("this project's own docs are public", () =>
  withHost({ TRUSTED_PROXIES: "1" }, async ({ url }) => {
    assert.equal((await get(url, "/knowledge/connect.md", { "x-forwarded-for": "203.0.113.7" })).status, 200);
  }));

for (const [what, env] of [
  ["documents are opened elsewhere", { KNOWLEDGE_BASE_URL: "https://handbook.example" }],
  ["the documents are not offered", { CAPABILITIES: "core" }],
] as const) {
  test(`there are no pages where ${what}`, async () => {
    const service = await createService({ env: { STATE_URL: "sqlite::memory:", LOG_LEVEL: "silent", KNOWLEDGE_DIR: folder.path, ...env } });
    await assert.rejects(handleKnowledgePage(exchangeOf("/knowledge/a%20b/page.md"), service), { status: 404 });
    await service.close();
  });
}
