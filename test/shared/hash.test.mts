import assert from "node:assert/strict";
import { test } from "node:test";
import { randomToken } from "../../shared/hash.ts";

test("tokens are base64url of the entropy asked for, all different, also across the draws of random bytes", () => {
  const tokens = Array.from({ length: 5_000 }, (_, n) => randomToken(9 + (n % 24)));
  for (const [n, token] of tokens.entries()) {
    assert.match(token, /^[A-Za-z0-9_-]+$/);
    assert.equal(Buffer.from(token, "base64url").length, 9 + (n % 24));
    // Bytes that were wiped, or given out before, would show as zeros or as another token's beginning.
    assert.doesNotMatch(token, /AAAAAAAA/);
  }
  assert.equal(new Set(tokens.map((token) => token.slice(0, 12))).size, tokens.length);
  const bits = tokens.flatMap((token) => [...Buffer.from(token, "base64url")]).map((byte) => byte & 1);
  const ones = bits.filter((bit) => bit === 1).length / bits.length;
  assert.ok(ones > 0.48 && ones < 0.52, String(ones));
});

test("more entropy than is drawn at once can be had", () => {
  const [one, other] = [randomToken(5_000), randomToken(5_000)];
  assert.equal(Buffer.from(one, "base64url").length, 5_000);
  assert.notEqual(one, other);
  assert.doesNotMatch(one, /AAAAAAAA/);
});
