import assert from "node:assert/strict";
import { test } from "node:test";
import { cached } from "../../../shared/http/etag.ts";

const REPLY = { status: 200, headers: { "content-type": "application/json" }, body: '{"keys":[]}' };
const ask = (condition?: string, reply = REPLY) =>
  cached({ header: (name) => (name === "if-none-match" ? condition : undefined) }, reply, 300);
const TAG = String(ask().headers?.["etag"]);

test("a reply that may be kept says for how long, and which it is", () => {
  const { status, headers, body } = ask();
  assert.equal(status, 200);
  assert.equal(headers?.["cache-control"], "public, max-age=300");
  assert.equal(headers?.["content-type"], "application/json");
  assert.match(TAG, /^"[A-Za-z0-9_-]{43}"$/);
  assert.equal(body, REPLY.body);
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
  assert.notEqual(ask(undefined, { ...REPLY, body: '{"keys":[1]}' }).headers?.["etag"], TAG);
});
