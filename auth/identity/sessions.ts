import { z } from "zod";
import { hmac, randomToken, sameDigest, sha256 } from "../../shared/hash.ts";
import { type CookieJar, createCookieJar } from "../../shared/http/cookies.ts";
import type { Exchange } from "../../shared/http/exchange.ts";
import type { Service } from "../../shared/service.ts";
import { subjectStateKind } from "../../shared/state/records.ts";
import type { Kind } from "../../shared/state/store.ts";
import { lifetimes } from "../lifetimes.ts";

const sessionCodec = z.strictObject({
  sub: z.string(),
  provider: z.string(),
  email: z.string().optional(),
  emailVerified: z.boolean().optional(),
  name: z.string().optional(),
  groups: z.array(z.string()).optional(),
  /** The id of the record with the provider's refresh token. */
  login: z.string().optional(),
  authTime: z.number(),
  createdAt: z.number(),
});

/** A person who has signed in in this browser. Times are milliseconds since the epoch. */
export type Session = z.infer<typeof sessionCodec>;

/** Id: the hash of the cookie. Expires at the earlier of idle and absolute end. */
const sessionKind: Kind<Session> = { name: "session", codec: sessionCodec };

/** A use puts the idle end off only when this part of the idle life is over, so that not every page writes. */
const WRITTEN_AFTER = 1 / 12;

export function cookieJar(service: Service): CookieJar {
  return service.part(createJar);
}

function createJar({ config }: Service): CookieJar {
  return createCookieJar(config);
}

/** The living session of a browser. Reading it puts its idle end off. */
export async function findSession(service: Service, exchange: Exchange): Promise<Session | undefined> {
  const cookie = cookieJar(service).read(exchange, "session");
  if (cookie === undefined) return undefined;
  const key = { id: sha256(cookie) };
  const entry = await service.store.get(sessionKind, key);
  if (!entry) return undefined;
  const lock = await service.store.get(subjectStateKind, { id: entry.value.sub });
  if (lock && (lock.value.disabled || entry.value.authTime < (lock.value.notBefore ?? 0))) return undefined;
  const expiresAt = expiryOf(service, entry.value);
  if (expiresAt - (entry.expiresAt ?? 0) > lifetimes(service).sessionIdle * WRITTEN_AFTER)
    await service.store.replace(sessionKind, key, entry.version, entry.value, expiresAt);
  return entry.value;
}

/**
 * Begins a session under a new id, whatever cookie the browser came with; the session that it came with ends.
 * @returns The `set-cookie` value.
 */
export async function beginSession(service: Service, exchange: Exchange, session: Session): Promise<string> {
  const cookie = randomToken();
  await service.store.create(sessionKind, { id: sha256(cookie) }, session, expiryOf(service, session));
  await takeSession(service, exchange);
  return cookieJar(service).write("session", cookie, lifetimes(service).sessionAbsolute / 1000);
}

/** A session that has ended, and what removes its cookie. */
export interface EndedSession {
  /** Whose it was, if there was one. */
  readonly sub: string | undefined;
  /** Where its person had signed in. */
  readonly provider: string | undefined;
  /** The `set-cookie` value. */
  readonly cookie: string;
}

/** Ends the browser's session. */
export async function endSession(service: Service, exchange: Exchange): Promise<EndedSession> {
  const ended = await takeSession(service, exchange);
  return { sub: ended?.sub, provider: ended?.provider, cookie: cookieJar(service).write("session", "", 0) };
}

async function takeSession(service: Service, exchange: Exchange): Promise<Session | undefined> {
  const cookie = cookieJar(service).read(exchange, "session");
  return cookie === undefined ? undefined : (await service.store.take(sessionKind, { id: sha256(cookie) }))?.value;
}

/** Stands in the forms of a signed-in person's own pages: another session, or another site, does not know it. */
export function formTokenOf(service: Service, exchange: Exchange): string {
  return hmac(cookieJar(service).read(exchange, "session") ?? "", "form");
}

/** Whether a form was made for this very session. */
export function isFormToken(service: Service, exchange: Exchange, token: string | undefined): boolean {
  return cookieJar(service).read(exchange, "session") !== undefined && sameDigest(token ?? "", formTokenOf(service, exchange));
}

function expiryOf(service: Service, session: Session): number {
  const { sessionIdle, sessionAbsolute } = lifetimes(service);
  return Math.min(service.clock() + sessionIdle, session.createdAt + sessionAbsolute);
}
