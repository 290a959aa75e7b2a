import { randomInt } from "node:crypto";
import { hmac, randomToken, sameDigest } from "../../shared/hash.ts";
import { HttpError } from "../../shared/http/exchange.ts";
import { counterKind, limitPerHour } from "../../shared/limits/limit.ts";
import type { Service } from "../../shared/service.ts";
import { advance, type OpenTransaction } from "../authorize/transaction.ts";
import { LIFETIMES } from "../lifetimes.ts";
import { admits } from "./admission.ts";
import { sendMail } from "./mail.ts";

/** Digits and letters that nobody mistakes for one another: 32 of them, so that 8 make 40 bits. */
const ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
const CODE_LENGTH = 8;
const TRIES_PER_CODE = 5;
const CODES_PER_TRANSACTION = 5;
/** For one address, whoever asks: nobody's mailbox is flooded. */
const MAILS_PER_HOUR = 20;

/** What became of a request for a code. `code` is for development on loopback alone. */
export interface AskedCode {
  readonly transaction: OpenTransaction;
  readonly code: string | undefined;
}

/** @returns The address in lower case, or nothing when it is none (RFC 5321 bounds, no comments or quotes). */
export function normalizeEmail(text: string): string | undefined {
  const email = text.trim().toLowerCase();
  return email.length <= 254 && /^[^\s@"(),:;<>[\]\\]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(email) ? email : undefined;
}

/**
 * Begins to prove an e-mail address. Whether it may enter makes no difference to what the browser sees or waits for:
 * the mail leaves after the answer.
 * @param browser The browser's secret, which keys what is kept of the code.
 * @throws {HttpError} 429 after five codes in one sign-in, or twenty for one address in an hour.
 */
export async function askForCode(service: Service, transaction: OpenTransaction, browser: string, email: string): Promise<AskedCode> {
  const { codesAsked } = transaction.entry.value;
  if (codesAsked >= CODES_PER_TRANSACTION)
    throw new HttpError(429, "Too many codes were asked for. Go back to the application and connect again.");
  await limitPerHour(service, "mail", email, MAILS_PER_HOUR);
  const code = Array.from({ length: CODE_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
  const welcome = admits(service.config, { email, emailVerified: true });
  const id = randomToken(12);
  const next = await advance(service, transaction, {
    stage: "code",
    codesAsked: codesAsked + 1,
    challenge: { id, email, expiresAt: service.clock() + LIFETIMES.emailCode, ...(welcome ? { mac: macOf(browser, id, code) } : {}) },
  });
  if (welcome) setImmediate(() => void deliver(service, email, code));
  return { transaction: next, code: welcome ? code : undefined };
}

/** @returns Whether the code is right. @throws {HttpError} 429 when this code was tried too often, 410 when it is too old. */
export async function checkCode(service: Service, { entry }: OpenTransaction, browser: string, typed: string): Promise<boolean> {
  const { challenge } = entry.value;
  if (!challenge) return false;
  if (challenge.expiresAt <= service.clock()) throw new HttpError(410, "This code is too old. Ask for a new one.");
  // Counted before it is compared, so that parallel guesses count too.
  const tries = await service.store.increment(
    counterKind,
    { id: `email-code:${challenge.expiresAt}:${challenge.id}` },
    1,
    challenge.expiresAt,
  );
  if (tries > TRIES_PER_CODE) throw new HttpError(429, "This code was tried too often. Ask for a new one.");
  const mac = macOf(browser, challenge.id, typed.toUpperCase().replace(/[^A-Z0-9]/g, ""));
  return challenge.mac !== undefined && sameDigest(mac, challenge.mac);
}

/** As people read it: four and four. */
export function displayCode(code: string): string {
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}

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
    await sendMail(config.mail, email, displayCode(code), config.publicUrl);
  } catch (error) {
    // The server's own words may hold the address.
    const { code: fault, responseCode, command } = error as { code?: string; responseCode?: number; command?: string };
    log.error({ fault, responseCode, command }, "a sign-in code could not be mailed");
  }
}
