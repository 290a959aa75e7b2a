import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { html, renderPage } from "../../../auth/pages/page.ts";
import type { Reply } from "../../../shared/http/exchange.ts";
import { pages } from "./views.mts";

const every = Object.entries(pages);

describe("the markup template", () => {
  it("escapes texts, in elements and in quoted attributes, and passes nested markup through", () => {
    const body = html`<p title="${`a"b'c`}">${"<script>&"}${[html`<b>${"<i>"}</b>`]}${undefined}${3}</p>`;
    assert.match(textOf(renderPage({ title: "t", body })), /<p title="a&quot;b&#39;c">&lt;script&gt;&amp;<b>&lt;i&gt;<\/b>3<\/p>/);
  });

  it("escapes the title", () => {
    assert.match(
      textOf(renderPage({ title: "</title><script>", body: html`` })),
      /<title>&lt;\/title&gt;&lt;script&gt; · Portico<\/title>/,
    );
  });
});

describe("a page's reply", () => {
  it("keeps the headers that every page has, whatever else is added", () => {
    const reply = renderPage({ title: "t", body: html``, status: 429, headers: { "retry-after": "5", "cache-control": "public" } });
    assert.equal(reply.status, 429);
    assert.equal(headerOf(reply, "retry-after"), "5");
    assert.equal(headerOf(reply, "cache-control"), "no-store");
  });

  for (const [name, reply] of every) {
    it(`has the policy and the headers on "${name}"`, () => {
      const policy = policyOf(reply);
      assert.deepEqual(policy.get("default-src"), ["'none'"]);
      assert.deepEqual(policy.get("base-uri"), ["'none'"]);
      assert.deepEqual(policy.get("frame-ancestors"), ["'none'"]);
      assert.deepEqual(policy.get("img-src"), ["data:"]);
      assert.equal(policy.has("form-action"), false);
      assert.equal(policy.has("script-src"), name.startsWith("setup"));
      assert.equal(headerOf(reply, "content-type"), "text/html; charset=utf-8");
      assert.equal(headerOf(reply, "referrer-policy"), "same-origin");
      assert.equal(headerOf(reply, "x-content-type-options"), "nosniff");
      assert.equal(headerOf(reply, "x-frame-options"), "DENY");
      assert.equal(headerOf(reply, "cache-control"), "no-store");
      assert.equal(headerOf(reply, "cross-origin-opener-policy"), undefined);
    });

    it(`allows exactly the style and the script that are in "${name}"`, () => {
      const policy = policyOf(reply);
      assert.deepEqual(hashesOf(reply, "style"), policy.get("style-src"));
      assert.deepEqual(hashesOf(reply, "script"), policy.get("script-src") ?? []);
    });

    it(`has no inline handler, inline style or address of another host that loads something in "${name}"`, () => {
      const tags =
        textOf(reply)
          .replace(/<(style|script)>[\s\S]*?<\/\1>/g, "")
          .match(/<[a-z][^>]*>/g) ?? [];
      assert.ok(tags.length > 10);
      for (const tag of tags) {
        assert.doesNotMatch(tag, /\s(on[a-z]+|style|src|srcset)=/i);
        if (tag.startsWith("<link")) assert.match(tag, /href="data:image\/svg\+xml,/);
      }
    });

    it(`has language, viewport, one heading of the first order and headings in order in "${name}"`, () => {
      const text = textOf(reply);
      assert.match(text, /^<!doctype html>\n<html lang="en">/);
      assert.match(text, /<meta name="viewport" content="width=device-width, initial-scale=1">/);
      assert.match(text, /<meta name="color-scheme" content="light dark">/);
      const levels = [...text.matchAll(/<h([1-6])/g)].map((match) => Number(match[1]));
      assert.equal(levels.filter((level) => level === 1).length, 1);
      levels.forEach((level, index) => {
        assert.ok(level <= (levels[index - 1] ?? 0) + 1, `h${level} at ${index}`);
      });
    });

    it(`binds a label to each input of "${name}"`, () => {
      const text = textOf(reply);
      for (const [, id] of text.matchAll(/<input id="([^"]+)"/g)) assert.ok(text.includes(`<label for="${id}">`));
      for (const [, ids = ""] of text.matchAll(/aria-describedby="([^"]+)"/g)) {
        for (const id of ids.split(" ")) assert.ok(text.includes(`id="${id}"`), id);
      }
    });
  }
});

function textOf({ body }: Reply): string {
  assert.equal(typeof body, "string");
  return body as string;
}

function headerOf({ headers = {} }: Reply, name: string): string | undefined {
  return headers[name]?.toString();
}

function policyOf(reply: Reply): Map<string, string[]> {
  const directives = (headerOf(reply, "content-security-policy") ?? "").split("; ").map((directive) => directive.split(" "));
  return new Map(directives.map(([name = "", ...sources]) => [name, sources]));
}

function hashesOf(reply: Reply, element: "style" | "script"): string[] {
  const contents = [...textOf(reply).matchAll(new RegExp(`<${element}>([\\s\\S]*?)</${element}>`, "g"))].map((match) => match[1] ?? "");
  return contents.map((content) => `'sha256-${createHash("sha256").update(content).digest("base64")}'`);
}
