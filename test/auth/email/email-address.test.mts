import assert from "node:assert/strict";
import { test } from "node:test";
import { mailboxOf, normalizeEmail } from "../../../auth/identity/email-address.ts";

test("an address is kept in lower case, its domain in ASCII", () => {
  assert.equal(normalizeEmail("  Ann.O'Neil+News@Example.COM "), "ann.o'neil+news@example.com");
  assert.equal(normalizeEmail("ann@bücher.example"), "ann@xn--bcher-kva.example");
  assert.equal(normalizeEmail("ann@localhost"), "ann@localhost");
});

test("what a mail server may take for another recipient or another line is no address", () => {
  for (const text of [
    "ann@example.com\r\nBcc: eve@evil.example",
    "ann@example.com\0",
    "ann\n@example.com",
    "ann@example.com,eve@evil.example",
    "ann@example.com eve@evil.example",
    "<ann@example.com>",
    '"ann"@example.com',
    "ann(eve@evil.example)@example.com",
    "eve@evil.example@example.com",
    "eve%evil.example@example.com",
    "evil.example!eve@example.com",
    "=?utf-8?q?eve=40evil.example=3e?=@example.com",
    "ann@[127.0.0.1]",
    "ann@example..com",
    "ann@-example.com",
    "ann@.example.com",
    "ånn@example.com",
    "@example.com",
    "ann@",
    "ann",
    "",
    `${"a".repeat(65)}@example.com`,
    `ann@${"a.".repeat(130)}com`,
    "x".repeat(1_000_000),
  ]) {
    assert.equal(normalizeEmail(text), undefined, JSON.stringify(text.slice(0, 80)));
  }
});

test("a letter that only looks like another's capital becomes that letter before anything is sent", () => {
  assert.equal(normalizeEmail("mi\u212Ae@example.com"), "mike@example.com");
});

test("a mailbox is an address without its tag", () => {
  assert.equal(mailboxOf("ann+one+two@example.com"), "ann@example.com");
  assert.equal(mailboxOf("ann@example.com"), "ann@example.com");
  assert.equal(mailboxOf("+ann@example.com"), "+ann@example.com");
});
