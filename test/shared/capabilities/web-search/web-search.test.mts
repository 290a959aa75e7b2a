import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { FAILURES, json, type Outside, startOutside } from "../outside.mts";
import { failsSaying, type OpenPacks, openPacks } from "../packs.mts";

/** Each service with an answer in the shape of its documentation, for one page that was found. */
const SERVICES = [
  {
    service: "brave",
    path: "/res/v1/web/search",
    found: {
      type: "search",
      query: { original: "tea", more_results_available: true },
      web: {
        type: "search",
        results: [{ title: "Tea", url: "https://tea.example/", description: "All about tea.", age: "2 days ago", profile: {} }],
      },
    },
    nothing: { type: "search", query: { original: "tea" } },
  },
  {
    service: "tavily",
    path: "/search",
    found: {
      query: "tea",
      answer: null,
      images: [],
      results: [{ title: "Tea", url: "https://tea.example/", content: "All about tea.", score: 0.9, raw_content: null }],
      response_time: 1.2,
    },
    nothing: { query: "tea", results: [], response_time: 0.4 },
  },
  {
    service: "searxng",
    path: "/search",
    found: {
      query: "tea",
      number_of_results: 1,
      results: [
        { title: "Tea", url: "https://tea.example/", content: "All about tea.", engine: "wikipedia", score: 1, category: "general" },
      ],
      answers: [],
      suggestions: [],
    },
    nothing: { query: "tea", number_of_results: 0, results: [], answers: [], suggestions: [], unresponsive_engines: [] },
  },
] as const;

for (const { service, path, found, nothing } of SERVICES) {
  let outside: Outside;
  let packs: OpenPacks;
  before(async () => {
    outside = await startOutside();
    packs = await openPacks({
      CAPABILITIES: "web_search",
      WEB_SEARCH: service,
      WEB_SEARCH_URL: outside.url,
      WEB_SEARCH_KEY: "the-secret-key",
      OUTSIDE_TIME_LIMIT: "1",
    });
  });
  after(async () => {
    await packs.close();
    await outside.close();
  });
  beforeEach(() => outside.answer((_, response) => json(response, found)));

  test(`${service} is asked as its documentation says, and its results come in one shape`, async () => {
    assert.deepEqual(await packs.call("search_web", { query: "tea & biscuits", count: 3 }), {
      results: [{ title: "Tea", url: "https://tea.example/", text: "All about tea." }],
    });
    const asked = outside.asked.at(-1);
    assert.equal(asked?.url.pathname, path);
    if (service === "tavily") {
      assert.equal(asked?.method, "POST");
      assert.equal(asked?.headers.authorization, "Bearer the-secret-key");
      assert.deepEqual(JSON.parse(asked?.body ?? ""), { query: "tea & biscuits", max_results: 3, search_depth: "basic" });
    } else {
      assert.equal(asked?.method, "GET");
      assert.equal(asked?.url.searchParams.get("q"), "tea & biscuits");
    }
    if (service === "brave") assert.equal(asked?.headers["x-subscription-token"], "the-secret-key");
  });

  test(`nothing found by ${service} is an empty list`, async () => {
    outside.answer((_, response) => json(response, nothing));
    assert.deepEqual(await packs.call("search_web", { query: "tea" }), { results: [] });
  });

  for (const { what, answering, words } of FAILURES) {
    test(`${service}, when it ${what}, is unavailable, and whoever asks hears it`, async () => {
      outside.answer(answering);
      await assert.rejects(packs.call("search_web", { query: "tea" }), failsSaying("unavailable", words));
    });
  }

  test(`neither the key nor what was looked for is in the log when ${service} is asked`, async () => {
    await packs.call("search_web", { query: "a-private-matter" });
    const log = JSON.stringify(packs.lines);
    assert.match(log, /asked an outside service/);
    assert.doesNotMatch(log, /the-secret-key|a-private-matter/);
  });
}

test("results that would do something in a browser, or hide something, come as plain text or not at all", async () => {
  const outside = await startOutside();
  const packs = await openPacks({ CAPABILITIES: "web_search", WEB_SEARCH: "searxng", WEB_SEARCH_URL: outside.url });
  const results = [
    { title: "a", url: "javascript:alert(1)", content: "" },
    { title: "b", url: "data:text/html,x", content: "" },
    { title: "c", url: "not a url", content: "" },
    { title: "d", url: `https://example.com/${"x".repeat(3_000)}`, content: "" },
    { title: `e\u0000\n${"t".repeat(500)}`, url: "http://example.com/", content: `f\u001b[31m\n\n${"x".repeat(5_000)}` },
    { title: "g", url: "https://example.com/g", content: null },
  ];
  outside.answer((_, response) => json(response, { results }));
  const found = (await packs.call("search_web", { query: "x", count: 10 })).results;
  assert.deepEqual(
    found.map(({ url }: { readonly url: string }) => url),
    ["http://example.com/", "https://example.com/g"],
  );
  assert.match(found[0].title, /^e t{198}$/);
  assert.match(found[0].text, /^f \[31m x{990,}$/);
  assert.equal((await packs.call("search_web", { query: "x", count: 1 })).results.length, 1);
  await packs.close();
  await outside.close();
});

test("without a configured service there is no search of the web", async () => {
  const packs = await openPacks({ CAPABILITIES: "web_search core" });
  assert.equal(packs.service.registry.catalog.findCapability("search_web"), undefined);
  assert.ok(!packs.service.registry.catalog.scopes.includes("web:search"));
  await packs.close();
});

test("whoever asks and goes away ends the question to the service", async () => {
  const outside = await startOutside();
  const packs = await openPacks({ CAPABILITIES: "web_search", WEB_SEARCH: "searxng", WEB_SEARCH_URL: outside.url });
  const gone = new AbortController();
  const hungUp = new Promise<void>((done) => {
    outside.answer((_, response) => {
      response.on("close", () => done());
      gone.abort(new Error("gone"));
    });
  });
  await assert.rejects(packs.call("search_web", { query: "x" }, gone.signal), /gone/);
  await hungUp;
  await packs.close();
  await outside.close();
});
