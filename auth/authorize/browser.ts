import { randomToken, sha256 } from "../../shared/hash.ts";
import type { Exchange } from "../../shared/http/exchange.ts";
import { limitPerAddress } from "../../shared/limits/limit.ts";
import type { Service } from "../../shared/service.ts";
import { cookieJar } from "../identity/sessions.ts";
import { lifetimes } from "../lifetimes.ts";
import { beginTransaction, type NewTransaction } from "./transaction.ts";

/** A transaction that was just begun in a browser. */
export interface Begun {
  readonly id: string;
  /** The browser's secret. */
  readonly browser: string;
  /** The `set-cookie` values that bind it to the browser. */
  readonly cookies: readonly string[];
}

/**
 * Begins a transaction and binds it to the browser (RFC 9700 §4.7). Of two tabs that begin at once in a browser without
 * our cookie, the later one's cookie wins: each transaction then has a cookie of its own beside it, so that neither tab
 * disturbs the other.
 */
export async function beginInBrowser(service: Service, exchange: Exchange, transaction: Omit<NewTransaction, "browser">): Promise<Begun> {
  const jar = cookieJar(service);
  const known = jar.read(exchange, "browser");
  const browser = known ?? randomToken();
  const id = await beginTransaction(service, { ...transaction, browser });
  const lasting = jar.write("browser", browser, lifetimes(service).browserCookie / 1000);
  const own = known === undefined ? [jar.write(ownCookie(id), browser, lifetimes(service).transaction / 1000)] : [];
  return { id, browser, cookies: [lasting, ...own] };
}

/**
 * Counts one more visit that may leave a transaction behind.
 * @throws {HttpError} 429 above LIMIT_VISITS_PER_ADDRESS.
 */
export function limitVisits(service: Service, { address }: Exchange): Promise<void> {
  return limitPerAddress(service, "visit", address, service.config.signInLimits.visitsPerAddress);
}

/** The secrets with which a browser can show that a transaction is its own. */
export function secretsOf(service: Service, exchange: Exchange, transactionId: string): string[] {
  const jar = cookieJar(service);
  return [jar.read(exchange, "browser"), jar.read(exchange, ownCookie(transactionId))].filter((secret) => secret !== undefined);
}

/** The name tells nobody the transaction's id. */
function ownCookie(transactionId: string): string {
  return `transaction_${sha256(transactionId).slice(0, 16)}`;
}
