import { changeLock } from "../../shared/bearer/locks.ts";
import type { Exchange } from "../../shared/http/exchange.ts";
import type { Service } from "../../shared/service.ts";
import { type Grant, subjectStateKind } from "../../shared/state/records.ts";
import type { Entry } from "../../shared/state/store.ts";
import { audit } from "../audit.ts";
import { forgetConsent } from "../authorize/consent-memory.ts";
import { endGrants, lastUse, listGrants } from "../grants/limit-grants.ts";
import { endLogins } from "../identity/upstream/login.ts";

/** An app and all that it may do for one person, in however many installs. */
export interface Connection {
  readonly clientId: string;
  /** Where the browser was last sent with a code. */
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  /** Living grants. */
  readonly count: number;
  /** Milliseconds since the epoch. */
  readonly firstUsedAt: number;
  readonly lastIssuedAt: number;
}

/** The apps that can act for a person now, the most recently used first. */
export async function connectionsOf(service: Service, sub: string): Promise<Connection[]> {
  const lock = await service.store.get(subjectStateKind, { id: sub });
  const grants = (await livingGrants(service, sub))
    .map(({ value }) => value)
    .filter(isFromBrowser)
    .filter(({ state, createdAt }) => state === "active" && createdAt >= (lock?.value.notBefore ?? 0));
  const byClient = Map.groupBy(grants, ({ clientId }) => clientId);
  return [...byClient].map(([clientId, theirs]) => connectionOf(clientId, theirs)).sort(byLastUse);
}

type BrowserGrant = Grant & { readonly redirectUri: string };

/** All grants of people are. */
function isFromBrowser(grant: Grant): grant is BrowserGrant {
  return grant.redirectUri !== undefined;
}

function connectionOf(clientId: string, grants: readonly BrowserGrant[]): Connection {
  const recent = grants.toSorted((a, b) => lastUse(b) - lastUse(a));
  return {
    clientId,
    redirectUri: recent[0]?.redirectUri ?? "",
    scopes: [...new Set(recent.flatMap((grant) => grant.scopes))],
    count: grants.length,
    firstUsedAt: Math.min(...grants.map((grant) => grant.createdAt)),
    lastIssuedAt: Math.max(...grants.map(lastUse)),
  };
}

/**
 * Ends what one client, or every client, may do for a person: its tokens stop within ten seconds everywhere, at once in
 * this process, and it has to ask again.
 */
export async function disconnect(service: Service, exchange: Exchange, sub: string, clientId?: string): Promise<void> {
  const all = await livingGrants(service, sub);
  const grants = clientId === undefined ? all : all.filter(({ value }) => value.clientId === clientId);
  await endGrants(service, exchange, sub, grants, "account");
  await forgetConsent(service, sub, clientId);
}

/**
 * Ends every sign-in and every token of a person that there is up to this moment: also those that a thief holds and that
 * no list shows.
 */
export async function signOutEverywhere(service: Service, exchange: Exchange, sub: string): Promise<void> {
  // What began in this very millisecond is cut off too.
  const notBefore = service.clock() + 1;
  await changeLock(service.store, subjectStateKind, sub, (lock) => ({ ...lock, notBefore }));
  await disconnect(service, exchange, sub);
  await endLogins(service, sub);
  audit(service, exchange, "sign_out", { subject: sub, reason: "everywhere" });
}

async function livingGrants(service: Service, sub: string): Promise<Entry<Grant>[]> {
  return (await listGrants(service, sub)).filter(({ value }) => value.state !== "dead");
}

function byLastUse(a: Connection, b: Connection): number {
  return b.lastIssuedAt - a.lastIssuedAt;
}
