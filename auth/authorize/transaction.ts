import { z } from "zod";
import { hmac, randomToken, sameDigest, sha256 } from "../../shared/hash.ts";
import { HttpError } from "../../shared/http/exchange.ts";
import type { Service } from "../../shared/service.ts";
import type { Entry, Kind } from "../../shared/state/store.ts";
import { lifetimes } from "../lifetimes.ts";

const clientRequestCodec = z.strictObject({
  clientId: z.string(),
  redirectUri: z.string(),
  state: z.string().optional(),
  scopes: z.array(z.string()),
  resource: z.string(),
  codeChallenge: z.string().optional(),
  nonce: z.string().optional(),
  /** Always show the consent page. */
  consentAsked: z.boolean(),
});

const transactionCodec = z.strictObject({
  /** What a client asks for; absent when someone signs in to see their own account. */
  request: clientRequestCodec.optional(),
  loginHint: z.string().optional(),
  /** What the client asks of the sign-in, for a provider that people are sent to. */
  hints: z
    .strictObject({ prompt: z.array(z.string()).optional(), maxAge: z.number().optional(), acrValues: z.string().optional() })
    .optional(),
  /** The one person whom the client means: nobody else can go on. */
  expectedSub: z.string().optional(),
  /** The secret of the browser it belongs to, hashed. */
  browser: z.string(),
  /** With the transaction's id, which is not kept, it makes the grant's id and the code. */
  salt: z.string(),
  stage: z.enum(["sign_in", "code", "consent", "done"]),
  /** The address a code was asked for, and what the code must hash to: for who may not enter, what no code does. */
  challenge: z.strictObject({ id: z.string(), email: z.string(), mac: z.string(), expiresAt: z.number() }).optional(),
  codesAsked: z.number(),
  /** The provider that the browser was sent to, and the hash of the state that it alone may come back with, once. */
  upstream: z.strictObject({ provider: z.string(), state: z.string(), sentAt: z.number() }).optional(),
  account: z
    .strictObject({
      sub: z.string(),
      provider: z.string(),
      authTime: z.number(),
      email: z.string().optional(),
      emailVerified: z.boolean().optional(),
      name: z.string().optional(),
      groups: z.array(z.string()).optional(),
      /** The id of the record with the provider's refresh token. */
      login: z.string().optional(),
    })
    .optional(),
  outcome: z.enum(["allowed", "denied"]).optional(),
  /** When the person decided, in milliseconds since the epoch. */
  decidedAt: z.number().optional(),
});

/** One authorization, or one sign-in, from the request to the answer, bound to one browser. */
export type Transaction = z.infer<typeof transactionCodec>;
export type ClientRequest = z.infer<typeof clientRequestCodec>;
export type Account = NonNullable<Transaction["account"]>;

/** Id: the hash of the transaction's id. Expires after 30 minutes. */
const transactionKind: Kind<Transaction> = { name: "transaction", codec: transactionCodec };

/** A transaction in the hands of its browser. */
export interface OpenTransaction {
  /** Secret: it stands in the address of the pages and nowhere else. */
  readonly id: string;
  /** The browser's secret. */
  readonly browser: string;
  readonly entry: Entry<Transaction>;
}

/** What a transaction is made of at first. */
export type NewTransaction = Pick<Transaction, "request" | "loginHint" | "hints" | "expectedSub" | "account"> & {
  readonly browser: string;
};

/** @param begun `browser` is the browser's secret. @returns The transaction's id. */
export async function beginTransaction(service: Service, { browser, ...begun }: NewTransaction): Promise<string> {
  const id = randomToken(24);
  const transaction: Transaction = {
    ...begun,
    browser: sha256(browser),
    salt: randomToken(),
    stage: begun.account ? "consent" : "sign_in",
    codesAsked: 0,
  };
  await service.store.create(transactionKind, { id: sha256(id) }, transaction, service.clock() + lifetimes(service).transaction);
  return id;
}

/**
 * @param secrets What the browser has to show.
 * @throws {HttpError} 404 for an unknown or expired one, 403 in another browser than the one that began it.
 */
export async function openTransaction(service: Service, id: string, secrets: readonly string[]): Promise<OpenTransaction> {
  const entry = await read(service, id);
  const browser = secrets.find((secret) => sameDigest(sha256(secret), entry.value.browser));
  if (browser === undefined) {
    throw new HttpError(403, "This sign-in was begun in another browser. Go back to the application and connect again.");
  }
  return { id, browser, entry };
}

/** Writes the next stage. @throws {HttpError} 409 when another tab was faster. */
export async function advance(service: Service, transaction: OpenTransaction, change: Partial<Transaction>): Promise<OpenTransaction> {
  const { id, entry } = transaction;
  const value = { ...entry.value, ...change };
  const replaced = await service.store.replace(transactionKind, { id: sha256(id) }, entry.version, value, entry.expiresAt);
  if (!replaced) throw new HttpError(409, "This step was just done in another tab. Reload the page to see where it stands.");
  return { ...transaction, entry: await read(service, id) };
}

async function read(service: Service, id: string): Promise<Entry<Transaction>> {
  const entry = await service.store.get(transactionKind, { id: sha256(id) });
  if (!entry) throw new HttpError(404, "This sign-in is over or was never begun. Go back to the application and connect again.");
  return entry;
}

/**
 * Writes the person's decision, once: of two, the first holds, and both are told which it was.
 * @throws {HttpError} 409 when the account that decided is not the transaction's any more.
 */
export async function settle(
  service: Service,
  transaction: OpenTransaction,
  account: Account,
  outcome: "allowed" | "denied",
): Promise<OpenTransaction> {
  const { id, entry } = transaction;
  if (entry.value.account?.sub !== account.sub) throw new HttpError(409, "The account was switched meanwhile. Reload the page.");
  if (entry.value.outcome) return transaction;
  const value = { ...entry.value, stage: "done" as const, outcome, decidedAt: service.clock() };
  const settled = await service.store.replace(transactionKind, { id: sha256(id) }, entry.version, value, entry.expiresAt);
  if (settled) return { ...transaction, entry: { ...entry, value } };
  return settle(service, { ...transaction, entry: await read(service, id) }, account, outcome);
}

/** A secret only this transaction can have, the same each time: so that a doubled Allow gives the same answer. */
export function derive({ id, entry }: OpenTransaction, purpose: string): string {
  return hmac(`${id}.${entry.value.salt}`, purpose);
}
