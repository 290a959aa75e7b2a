import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { handlePrivacy } from "../../actions/privacy.ts";
import { createService } from "../../shared/service.ts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import { exchangeOf } from "./exchange.mts";

let host: TestHost;
before(async () => {
  host = await startPlainHost();
});
after(() => host.close());

test("the document is served with the public URL as its server and can be kept", async () => {
  const response = await fetch(`${host.url}/actions/openapi.json`);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/json");
  assert.equal(response.headers.get("cache-control"), "public, max-age=300");
  const document = (await response.json()) as { readonly servers: unknown };
  assert.deepEqual(document.servers, [{ url: host.url }]);

  const etag = response.headers.get("etag") ?? "";
  for (const known of [etag, `"other", W/${etag}`, "*"]) {
    const again = await fetch(`${host.url}/actions/openapi.json`, { headers: { "if-none-match": known } });
    assert.equal(again.status, 304, known);
    assert.equal(again.headers.get("etag"), etag);
    assert.equal(await again.text(), "");
  }
  const other = await fetch(`${host.url}/actions/openapi.json`, { headers: { "if-none-match": '"other"' } });
  assert.equal(other.status, 200);
  await other.body?.cancel();
});

test("the document is found at the root as well", async () => {
  const [alias, document] = await Promise.all(["/openapi.json", "/actions/openapi.json"].map((path) => fetch(`${host.url}${path}`)));
  assert.equal(alias?.status, 200);
  assert.equal(await alias?.text(), await document?.text());
});

test("the privacy page is a page of its own that loads and runs nothing", async () => {
  const response = await fetch(`${host.url}/privacy`);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "text/html; charset=utf-8");
  const page = await response.text();
  const [, styles = ""] = /<style>([\s\S]*)<\/style>/.exec(page) ?? [];
  const hash = createHash("sha256").update(styles).digest("base64");
  const policy = response.headers.get("content-security-policy") ?? "";
  assert.match(policy, /^default-src 'none';/);
  assert.ok(policy.includes(`style-src 'sha256-${hash}'`));
  assert.doesNotMatch(page, /<script|<img|<link|style=/);
  assert.match(page, /to-dos/);
});

test("the privacy page speaks of to-dos only where there are some", async () => {
  const service = await createService({ env: { STATE_URL: "sqlite::memory:", LOG_LEVEL: "silent", CAPABILITIES: "core" } });
  try {
    assert.doesNotMatch(String(handlePrivacy(exchangeOf("/privacy"), service).body), /to-dos/);
  } finally {
    await service.close();
  }
});

test("pages for reading take no other method", async () => {
  for (const path of ["/health", "/privacy", "/actions/openapi.json", "/openapi.json"]) {
    const response = await fetch(`${host.url}${path}`, { method: "POST" });
    assert.equal(response.status, 405, path);
    assert.equal(response.headers.get("allow"), "GET, HEAD");
    await response.body?.cancel();
    assert.equal((await fetch(`${host.url}${path}`, { method: "HEAD" })).status, 200, path);
  }
});

test("health is 200 while the store answers and 503 when it does not", async () => {
  const own = await fetch(`${host.url}/health`);
  assert.equal(own.status, 200);
  assert.equal(((await own.json()) as { readonly status: string }).status, "ok");
  await host.service.store.close();
  const down = await fetch(`${host.url}/health`);
  assert.equal(down.status, 503);
  assert.ok(Number(down.headers.get("retry-after")) > 0);
  assert.equal(((await down.json()) as { readonly status: number }).status, 503);
});
