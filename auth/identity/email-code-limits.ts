import type { Rate } from "../../shared/config-sign-in.ts";
import { sha256 } from "../../shared/hash.ts";
import { type Exchange, HttpError } from "../../shared/http/exchange.ts";
import { addressLayer, counterKind, type Layer, limit, refuseSpent } from "../../shared/limits/limit.ts";
import type { Service } from "../../shared/service.ts";
import { mailboxOf } from "./email-address.ts";
import { knownBrowser } from "./known-browser.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Counters are kept a little longer than their window, in milliseconds: other replicas' clocks may be behind. */
const GRACE = MINUTE;

/** Who wants to sign in, and where. */
export interface SignInAttempt {
  readonly service: Service;
  readonly exchange: Exchange;
  /** The browser's secret. */
  readonly browser: string;
  readonly email: string;
}

interface Rates {
  readonly address: readonly Rate[];
  readonly browser: readonly Rate[];
  readonly email: readonly Rate[];
}

/**
 * Counts a request for a code, for its address, its browser and the e-mail address.
 * @throws {HttpError} 429 with the time to wait, in words too.
 */
export async function limitAsking(attempt: SignInAttempt): Promise<void> {
  const { codesPerAddress: address, codesPerBrowser: browser, codesPerEmail: email } = attempt.service.config.signInLimits;
  const bucket = await bucketOf(attempt);
  await inWords("Too many codes were asked for.", () => count(attempt, "mail", { address, browser, email }, bucket));
}

/** An attempt with a code that was let through. */
export interface CountedTry {
  /** The code was right: it does not stand among the wrong ones. */
  forgive(): Promise<void>;
}

/**
 * Counts an attempt with a code as a wrong one, before it is compared, so that parallel guesses count too.
 * @throws {HttpError} 429 with the time to wait, in words too.
 */
export async function limitTrying(attempt: SignInAttempt): Promise<CountedTry> {
  const { service } = attempt;
  const { triesPerAddress: address, triesPerBrowser: browser, triesPerEmail: email, wrongCodesPerEmail } = service.config.signInLimits;
  const bucket = await bucketOf(attempt);
  await inWords("Too many codes were tried.", () => count(attempt, "code", { address, browser, email }, bucket));
  const now = service.clock();
  const endsAt = (Math.floor(now / DAY) + 1) * DAY;
  const wrong = { id: `code-failures:${endsAt - DAY}:${sha256(JSON.stringify(bucket))}` };
  const total = await service.store.increment(counterKind, wrong, 1, endsAt + GRACE);
  if (total > wrongCodesPerEmail) {
    const elsewhere = bucket.length > 1 ? "" : " A browser that you signed in with before still works.";
    throw refusal(`Too many wrong codes for this address.${elsewhere}`, Math.ceil((endsAt - now) / 1000));
  }
  return { forgive: async () => void (await service.store.increment(counterKind, wrong, -1, endsAt + GRACE)) };
}

/** @param reason A sentence. @param seconds After which it may go on. */
function refusal(reason: string, seconds: number): HttpError {
  return new HttpError(429, `${reason} Try again in ${duration(seconds)}.`, { "retry-after": String(seconds) });
}

/** Whom attempts at an address are counted for: a browser that has signed in with it for itself, all others together. */
async function bucketOf({ service, exchange, email }: SignInAttempt): Promise<readonly string[]> {
  const known = await knownBrowser(service, exchange, email);
  return known === undefined ? [mailboxOf(email)] : [mailboxOf(email), known];
}

/**
 * First what the one who asks can use up alone, then the e-mail address: who is refused already takes nothing from its
 * owner. A browser that the owner signed in with does not depend on who else is at its network address.
 */
async function count({ service, exchange, browser }: SignInAttempt, name: string, rates: Rates, bucket: readonly string[]): Promise<void> {
  const isKnown = bucket.length > 1;
  const own = [
    ...(isKnown ? [] : rates.address.flatMap((rate) => addressLayer(service, layerName(name, "address", rate), exchange.address, rate))),
    ...rates.browser.map((rate) => ({ name: layerName(name, "browser", rate), key: [browser], ...rate })),
  ];
  const mailbox: readonly Layer[] = rates.email.map((rate) => ({ name: layerName(name, "email", rate), key: bucket, ...rate }));
  refuseSpent(service, () => [...own, ...mailbox]);
  await limit(service, own);
  await limit(service, mailbox);
}

/** Windows of different lengths may begin at the same moment: each has counters of its own name. */
function layerName(name: string, subject: string, { window }: Rate): string {
  return `${name}-${subject}-${window / MINUTE}`;
}

async function inWords(reason: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof HttpError) || error.status !== 429) throw error;
    throw refusal(reason, Number(error.headers["retry-after"]));
  }
}

/** Rounded up, so that nobody comes too early. */
function duration(seconds: number): string {
  if (seconds < 60) return counted(seconds, "second");
  if (seconds < 90 * 60) return counted(Math.ceil(seconds / 60), "minute");
  return counted(Math.ceil(seconds / 3600), "hour");
}

function counted(number: number, unit: string): string {
  return `${number} ${unit}${number === 1 ? "" : "s"}`;
}
