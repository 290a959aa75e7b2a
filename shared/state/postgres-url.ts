import { isLoopbackHost } from "../net/loopback.ts";
import { UnusableState } from "./store.ts";

/** A state database that cannot be used at all; the message names it, without credentials, and says why. */
export class StateDatabaseError extends UnusableState {
  override readonly name = "StateDatabaseError";
}

export interface Place {
  /** Host and database, without credentials: for messages. */
  readonly name: string;
  readonly connectionString: string;
}

const FORM = "write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full, with %-escapes in names and passwords";
/** Modes of libpq that encrypt without telling who is at the other end, or not even that. */
const WEAK_MODES: readonly string[] = ["prefer", "require", "verify-ca"];

/**
 * Where `postgres://…` leads. The weaker modes of libpq mean `verify-full` here: who could stand between the service and
 * its database could otherwise read and change all state. Only `disable` and `no-verify` do less, and have to be asked for.
 *
 * @throws {StateDatabaseError} when it is no such URL, or leaves open whether a connection to another machine is encrypted.
 */
export function placeOf(text: string): Place {
  // What WHATWG's URL has no form for, but libpq has, and hosts with sockets are given as: credentials and no host.
  const url = URL.parse(text) ?? URL.parse(text.replace("@/", "@localhost/"));
  if (url?.protocol !== "postgres:" && url?.protocol !== "postgresql:")
    throw new StateDatabaseError(`not the URL of a state database; ${FORM}`);
  const named = url.searchParams.get("host") ?? url.hostname.replaceAll(/%2f/gi, "/");
  const host = named === "" ? (process.env["PGHOST"] ?? "") : named;
  const name = `${host === url.hostname ? url.host : host}${url.pathname}`;
  const mode = url.searchParams.get("sslmode") ?? url.searchParams.get("ssl") ?? process.env["PGSSLMODE"];
  if (mode === undefined && !isHere(host)) {
    throw new StateDatabaseError(
      `${name}: say whether connections to the state database are encrypted: add sslmode=verify-full to the URL, and sslrootcert=FILE if its certificate comes from an authority of its own, or sslmode=disable in a network of your own`,
    );
  }
  if (WEAK_MODES.includes(mode ?? "") && url.searchParams.get("uselibpqcompat") !== "true") url.searchParams.set("sslmode", "verify-full");
  return { name, connectionString: url.href };
}

/** Whether nothing leaves this machine: no host, a socket's folder, or a loopback name or address. */
function isHere(host: string): boolean {
  return host === "" || host.startsWith("/") || isLoopbackHost(host);
}
