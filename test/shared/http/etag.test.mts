import assert from "node:assert/strict";
import { test } from "node:test";
import { conditional, publicly } from "../../../shared/http/etag.ts";

const BODY = '{"keys":[]}';
const ask = (condition?: string, body = BODY) =>
  conditional(
    { header: (name) => (name === "if-none-match" ? condition : undefined) },
    publicly(body, { "content-type": "application/json" }, 300),
  );
const TAG = String(ask().headers?.["etag"]);

test("a reply that may be kept says for how long, and which it is", () => {
  const { status, headers, body } = ask();
  assert.equal(status, 200);
  assert.equal(headers?.["cache-control"], "public, max-age=300");
  assert.equal(headers?.["content-type"], "application/json");
  assert.match(TAG, /^"[A-Za-z0-9_-]{43}"$/);
  assert.equal(body, BODY);
});

test("who has it already gets a 304 without a body, however the tag is put", () => {
  for (const condition of [TAG, `W/${TAG}`, `"other", ${TAG}`, `"other",W/${TAG} `, "*"]) {
    const { status, headers, body } = ask(condition);
    assert.deepEqual([status, body], [304, undefined], condition);
    assert.equal(headers?.["etag"], TAG);
    assert.equal(headers?.["cache-control"], "public, max-age=300");
  }
});

test("who has another one, or none, gets the body", () => {
  for (const condition of [undefined, "", '"other"', TAG.slice(1, -1), '"*"']) assert.equal(ask(condition).status, 200, condition);
  assert.notEqual(ask(undefined, '{"keys":[1]}').headers?.["etag"], TAG);
});
