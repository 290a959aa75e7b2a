import assert from "node:assert/strict";
import { test } from "node:test";
import { OAuthError } from "../../auth/oauth-error.ts";
import { McpError } from "../../mcp/protocol/errors.ts";
import { BearerError } from "../../shared/bearer/bearer-error.ts";
import { Refusal } from "../../shared/refusal.ts";

test("a refusal is an error without a stack, and the next error has its own again", () => {
  const refusals = [
    new Refusal("no"),
    new BearerError("invalid", "no"),
    new OAuthError("invalid_grant", "no"),
    new McpError("invalid_request", "no"),
  ];
  for (const refusal of refusals) {
    assert.ok(refusal instanceof Error);
    assert.equal(refusal.message, "no");
    assert.doesNotMatch(String(refusal.stack), /\n\s+at /, refusal.name);
    assert.match(String(new Error("other").stack), /\n\s+at .*refusal\.test/);
  }
});

test("a refusal that cannot be made leaves other errors their stack", () => {
  const unreadable = {
    toString() {
      throw new TypeError("no text");
    },
  };
  assert.throws(() => new Refusal(unreadable as unknown as string), TypeError);
  assert.match(String(new Error("other").stack), /\n\s+at .*refusal\.test/);
});
