import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, loadConfig } from "../../../shared/config.ts";
import { DAY, HOUR, MINUTE } from "../../support/clock.mts";

const MAIL = { NODE_ENV: "test", MAIL_FROM: "portico@example.com" };

/** The fault of one variable, or nothing. */
function faultOf(env: Readonly<Record<string, string>>): string | undefined {
  try {
    loadConfig({ ...MAIL, ...env });
    return undefined;
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
}

test("a limit names its windows in any order, and a number alone is the hour's", () => {
  const { signInLimits } = loadConfig({ ...MAIL, LIMIT_CODES_PER_EMAIL: "40/day 1/minute, 2/quarter", LIMIT_TRIES_PER_EMAIL: "7" });
  assert.deepEqual(signInLimits.codesPerEmail, [
    { window: DAY, max: 40 },
    { window: MINUTE, max: 1 },
    { window: 15 * MINUTE, max: 2 },
  ]);
  assert.deepEqual(signInLimits.triesPerEmail, [{ window: HOUR, max: 7 }]);
});

test("a limit that means nothing stops the start and says what one looks like", () => {
  for (const text of ["ten", "0/minute", "-1/day", "1/week", "1/hour 2/hour", "3 4/hour", "99999999/day", "1/minute;2/hour"]) {
    assert.match(faultOf({ LIMIT_CODES_PER_EMAIL: text }) ?? "", /LIMIT_CODES_PER_EMAIL: must be limits such as 10\/minute/, text);
  }
});

test("a mail server's URL is checked at the start, and its password is in no fault", () => {
  for (const url of ["smtp://localhost:1025", "smtps://u%40x:p%25@mail.example.com?tls.servername=mx.example.com", "smtp://[::1]:25"]) {
    assert.equal(faultOf({ SMTP_URL: url }), undefined, url);
  }
  const faulty = {
    "https://mail.example.com": /begin with smtp/,
    "smtp://": /must be a URL such as/,
    "smtp://user:hidden%zz@mail.example.com": /write it as %25/,
    "smtp://user:hidden@mail.example.com?logger=true": /unknown option; there are requireTLS/,
    "smtp://user:hidden@mail.example.com:port": /must be a URL such as/,
  };
  for (const [url, rule] of Object.entries(faulty)) {
    const fault = faultOf({ SMTP_URL: url }) ?? "";
    assert.match(fault, rule, url);
    assert.doesNotMatch(fault, /hidden/);
  }
});

test("a sender is one address, with or without a name, on one line", () => {
  for (const from of ["portico@example.com", "Portico <portico@example.com>", "Anna's Süd <no-reply@mail.example.com>"]) {
    assert.equal(faultOf({ SMTP_URL: "smtp://localhost", MAIL_FROM: from }), undefined, from);
  }
  for (const from of ["portico", "a@example.com, b@example.com", "A\r\nBcc: eve@example.com <a@example.com>", "<a@b@example.com>"]) {
    assert.match(faultOf({ SMTP_URL: "smtp://localhost", MAIL_FROM: from }) ?? "", /MAIL_FROM: must be an address/, from);
  }
});
