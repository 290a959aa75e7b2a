import { randomInt } from "node:crypto";
import { hmac, randomToken, sameDigest } from "../../shared/hash.ts";
import { type Exchange, HttpError } from "../../shared/http/exchange.ts";
import { counterKind } from "../../shared/limits/limit.ts";
import type { Service } from "../../shared/service.ts";
import { advance, type OpenTransaction } from "../authorize/transaction.ts";
import { lifetimes } from "../lifetimes.ts";
import { admits } from "./admission.ts";
import { limitAsking, limitTrying } from "./email-code-limits.ts";
import { createPost } from "./mail.ts";

/** Digits and letters that nobody mistakes for one another: 32 of them, so that 8 make 40 bits. */
const ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
const CODE_LENGTH = 8;
const TRIES_PER_CODE = 5;
const CODES_PER_TRANSACTION = 5;

/** For what may go on at once in another way: a new code, another sign-in. Seconds. */
const AT_ONCE = { "retry-after": "1" };

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
 * the same is read and written, and the mail leaves after the answer.
 * @throws {HttpError} 429 after five codes in one sign-in, or when address, browser or e-mail address asked too often.
 */
export async function askForCode({ service, exchange, transaction }: Attempt, email: string): Promise<AskedCode> {
  const { browser } = transaction;
  const { codesAsked } = transaction.entry.value;
  if (codesAsked >= CODES_PER_TRANSACTION)
    throw new HttpError(429, "Too many codes were asked for. Go back to the application and connect again.", AT_ONCE);
  await limitAsking({ service, exchange, browser, email });
  const code = Array.from({ length: CODE_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
  const welcome = admits(service.config, { email, emailVerified: true });
  const id = randomToken(12);
  const expiresAt = service.clock() + lifetimes(service).emailCode;
  const next = await advance(service, transaction, {
    stage: "code",
    codesAsked: codesAsked + 1,
    // Who may not enter has a code too: one that nobody can type.
    challenge: { id, email, expiresAt, mac: macOf(browser, id, welcome ? code : randomToken()) },
  });
  const sent = new Promise<void>((resolve) => {
    setImmediate(() => resolve(deliver(service, exchange.id, { email, code, welcome })));
  });
  service.finishing(sent);
  return { transaction: next, code: welcome ? code : undefined };
}

/** @returns Whether the code is right. @throws {HttpError} 429 with a time to wait when codes were tried too often, 410 when it is too old. */
export async function checkCode({ service, exchange, transaction }: Attempt, typed: string): Promise<boolean> {
  const { store, clock } = service;
  const { browser } = transaction;
  const { challenge } = transaction.entry.value;
  if (!challenge) return false;
  if (challenge.expiresAt <= clock()) throw new HttpError(410, "This code is too old. Ask for a new one.");
  const tries = await store.increment(counterKind, { id: `email-code:${challenge.expiresAt}:${challenge.id}` }, 1, challenge.expiresAt);
  if (tries > TRIES_PER_CODE) throw new HttpError(429, "This code was tried too often. Ask for a new one.", AT_ONCE);
  const counted = await limitTrying({ service, exchange, browser, email: challenge.email });
  const mac = macOf(browser, challenge.id, typed.toUpperCase().replace(/[^A-Z0-9]/g, ""));
  const right = sameDigest(mac, challenge.mac);
  if (right) await counted.forgive();
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

interface FreshCode {
  readonly email: string;
  readonly code: string;
  readonly welcome: boolean;
}

/** @param request The id of the request that asked. */
async function deliver(service: Service, request: string, { email, code, welcome }: FreshCode): Promise<void> {
  const post = service.part(createPost);
  if (!welcome) return;
  if (post) return post.send({ to: email, code: displayCode(code) }, request);
  // Only development has no mail server: whoever reads this terminal is the one who signs in.
  service.log.warn({}, `sign-in code for ${email}: ${displayCode(code)}`);
}
