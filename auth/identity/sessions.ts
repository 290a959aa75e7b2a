import { z } from "zod";
import { randomToken, sha256 } from "../../shared/hash.ts";
import { type CookieJar, createCookieJar } from "../../shared/http/cookies.ts";
import type { Exchange } from "../../shared/http/exchange.ts";
import type { Service } from "../../shared/service.ts";
import { subjectStateKind } from "../../shared/state/records.ts";
import type { Kind } from "../../shared/state/store.ts";
import { LIFETIMES } from "../lifetimes.ts";

const sessionCodec = z.strictObject({
  sub: z.string(),
  provider: z.string(),
  email: z.string().optional(),
  emailVerified: z.boolean().optional(),
  name: z.string().optional(),
  authTime: z.number(),
  createdAt: z.number(),
});

/** A person who has signed in in this browser. Times are milliseconds since the epoch. */
export type Session = z.infer<typeof sessionCodec>;

/** Id: the hash of the cookie. Expires at the earlier of idle and absolute end. */
const sessionKind: Kind<Session> = { name: "session", codec: sessionCodec };

export function cookieJar(service: Service): CookieJar {
  return service.part(createJar);
}

function createJar({ config }: Service): CookieJar {
  return createCookieJar(config);
}

/** The living session of a browser. Reading it puts its idle end off, at most once in an hour. */
export async function findSession(service: Service, exchange: Exchange): Promise<Session | undefined> {
  const cookie = cookieJar(service).read(exchange, "session");
  if (cookie === undefined) return undefined;
  const key = { id: sha256(cookie) };
  const entry = await service.store.get(sessionKind, key);
  if (!entry) return undefined;
  const lock = await service.store.get(subjectStateKind, { id: entry.value.sub });
  if (lock && (lock.value.disabled || entry.value.authTime < (lock.value.notBefore ?? 0))) return undefined;
  const expiresAt = expiryOf(entry.value, service.clock());
  if (expiresAt - (entry.expiresAt ?? 0) > LIFETIMES.accessToken)
    await service.store.replace(sessionKind, key, entry.version, entry.value, expiresAt);
  return entry.value;
}

/** Begins a session under a new id, whatever cookie the browser came with. @returns The `set-cookie` value. */
export async function beginSession(service: Service, session: Session): Promise<string> {
  const cookie = randomToken();
  await service.store.create(sessionKind, { id: sha256(cookie) }, session, expiryOf(session, service.clock()));
  return cookieJar(service).write("session", cookie, LIFETIMES.sessionAbsolute / 1000);
}

/** Ends the browser's session. @returns The `set-cookie` value that removes the cookie. */
export async function endSession(service: Service, exchange: Exchange): Promise<string> {
  const cookie = cookieJar(service).read(exchange, "session");
  if (cookie !== undefined) await service.store.take(sessionKind, { id: sha256(cookie) });
  return cookieJar(service).write("session", "", 0);
}

function expiryOf(session: Session, now: number): number {
  return Math.min(now + LIFETIMES.sessionIdle, session.createdAt + LIFETIMES.sessionAbsolute);
}
