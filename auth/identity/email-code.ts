import { randomInt } from "node:crypto";
import { hmac, randomToken, sameDigest, sha256 } from "../../shared/hash.ts";
import { type Exchange, HttpError } from "../../shared/http/exchange.ts";
import { addressLayer, counterKind, limit } from "../../shared/limits/limit.ts";
import type { Service } from "../../shared/service.ts";
import { advance, type OpenTransaction } from "../authorize/transaction.ts";
import { lifetimes } from "../lifetimes.ts";
import { admits } from "./admission.ts";
import { bucketOf } from "./known-browser.ts";
import { sendMail } from "./mail.ts";

/** Digits and letters that nobody mistakes for one another: 32 of them, so that 8 make 40 bits. */
const ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
const CODE_LENGTH = 8;
const TRIES_PER_CODE = 5;
const CODES_PER_TRANSACTION = 5;

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;
/** Counters are kept a little longer than their window, in milliseconds: other replicas' clocks may be behind. */
const GRACE = 60_000;

/** What became of a request for a code. `code` is for development on loopback alone. */
export interface AskedCode {
  readonly transaction: OpenTransaction;
  readonly code: string | undefined;
}

/** Where someone tries to sign in. */
interface Attempt {
  readonly service: Service;
  readonly exchange: Exchange;
  readonly transaction: OpenTransaction;
}

/**
 * Begins to prove an e-mail address. Whether it may enter makes no difference to what the browser sees or waits for:
 * the mail leaves after the answer.
 * @throws {HttpError} 429 after five codes in one sign-in, or when address or sender have had enough mails in an hour.
 */
export async function askForCode({ service, exchange, transaction }: Attempt, email: string): Promise<AskedCode> {
  const { codesAsked } = transaction.entry.value;
  if (codesAsked >= CODES_PER_TRANSACTION)
    throw new HttpError(429, "Too many codes were asked for. Go back to the application and connect again.");
  const { codesPerEmail, codesPerAddress } = service.config.signInLimits;
  await limit(service, [
    { name: "mail", key: await bucketOf(service, exchange, email), max: codesPerEmail, window: HOUR },
    ...addressLayer(service, "mail-from", exchange.address, { max: codesPerAddress }),
  ]);
  const code = Array.from({ length: CODE_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
  const welcome = admits(service.config, { email, emailVerified: true });
  const id = randomToken(12);
  const expiresAt = service.clock() + lifetimes(service).emailCode;
  const next = await advance(service, transaction, {
    stage: "code",
    codesAsked: codesAsked + 1,
    challenge: { id, email, expiresAt, ...(welcome ? { mac: macOf(transaction.browser, id, code) } : {}) },
  });
  if (welcome) setImmediate(() => void deliver(service, email, code));
  return { transaction: next, code: welcome ? code : undefined };
}

/** @returns Whether the code is right. @throws {HttpError} 429 when this code was tried too often, 410 when it is too old. */
export async function checkCode({ service, exchange, transaction }: Attempt, typed: string): Promise<boolean> {
  const { store, clock } = service;
  const { challenge } = transaction.entry.value;
  if (!challenge) return false;
  if (challenge.expiresAt <= clock()) throw new HttpError(410, "This code is too old. Ask for a new one.");
  // Counted before it is compared, so that parallel guesses count too.
  const tries = await store.increment(counterKind, { id: `email-code:${challenge.expiresAt}:${challenge.id}` }, 1, challenge.expiresAt);
  if (tries > TRIES_PER_CODE) throw new HttpError(429, "This code was tried too often. Ask for a new one.");
  const windowEnd = (Math.floor(clock() / DAY) + 1) * DAY;
  const bucket = { id: `code-failures:${windowEnd - DAY}:${sha256(JSON.stringify(await bucketOf(service, exchange, challenge.email)))}` };
  const failures = await store.increment(counterKind, bucket, 1, windowEnd + GRACE);
  if (failures > service.config.signInLimits.wrongCodesPerEmail) {
    throw new HttpError(429, "Too many wrong codes for this address today. Use a browser that you signed in with before, or try tomorrow.");
  }
  const mac = macOf(transaction.browser, challenge.id, typed.toUpperCase().replace(/[^A-Z0-9]/g, ""));
  const right = challenge.mac !== undefined && sameDigest(mac, challenge.mac);
  if (right) await store.increment(counterKind, bucket, -1, windowEnd + GRACE);
  return right;
}

/** As people read it: four and four. */
export function displayCode(code: string): string {
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}

/** @param browser The browser's secret, which keys what is kept of the code. */
function macOf(browser: string, challengeId: string, code: string): string {
  return hmac(browser, `email code ${challengeId} ${code}`);
}

async function deliver(service: Service, email: string, code: string): Promise<void> {
  const { config, log } = service;
  if (!config.mail) {
    // Only development has no mail server: whoever reads this terminal is the one who signs in.
    log.warn({}, `sign-in code for ${email}: ${displayCode(code)}`);
    return;
  }
  try {
    const minutes = Math.floor(lifetimes(service).emailCode / 60_000);
    await sendMail(config.mail, { to: email, code: displayCode(code), publicUrl: config.publicUrl, minutes });
  } catch (error) {
    // The server's own words may hold the address.
    const { code: fault, responseCode, command } = error as { code?: string; responseCode?: number; command?: string };
    log.error({ fault, responseCode, command }, "a sign-in code could not be mailed");
  }
}
