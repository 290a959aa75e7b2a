import type { AuthorizationServer } from "oauth4webapi";
import type { Upstream } from "../../../shared/config-upstreams.ts";
import { type BoundedFetch, createBoundedFetch } from "../../../shared/net/bounded-fetch.ts";
import type { Service } from "../../../shared/service.ts";
import { type ClientAuthentication, createClientAuthentication } from "./client-authentication.ts";
import { createRemote } from "./remote.ts";

/** Milliseconds for a whole answer of a provider, and bytes. */
const BOUNDS = { deadline: 5_000, limit: 1024 * 1024 };

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A provider's public keys (RFC 7517). */
export interface KeySet {
  readonly keys: readonly Readonly<Record<string, unknown>>[];
}

/** One upstream provider, for the life of the process. */
export interface Provider {
  readonly upstream: Upstream;
  readonly fetch: BoundedFetch;
  readonly authentication: ClientAuthentication;
  /** Where the provider sends browsers back to; each has an address of its own (RFC 9700 §4.4.2.2). */
  readonly redirectUri: string;
  /** Whether it may be asked over http: outside production. */
  readonly insecure: boolean;
  /** What it publishes of itself. @throws {UpstreamFault} */
  metadata(): Promise<AuthorizationServer>;
  /** @param renewed Asks for them again, after a signature by a key that was not among them. @throws {UpstreamFault} */
  keys(renewed: boolean): Promise<KeySet>;
}

/** Part of a service: its upstream providers by id. */
export function createProviders(service: Service): ReadonlyMap<string, Provider> {
  return new Map(service.config.upstreams.map((upstream) => [upstream.id, createProvider(service, upstream)]));
}

function createProvider({ config, clock, log }: Service, upstream: Upstream): Provider {
  const fetch = createBoundedFetch(BOUNDS);
  const insecure = !config.production;
  const base = upstream.issuer.replace(/\/$/, "");
  const about = { provider: upstream.id };
  const published = createRemote({
    fetch,
    clock,
    fresh: HOUR,
    stale: 24 * HOUR,
    parse: (document) => metadataOf(document, upstream, insecure),
    onStale: (error) =>
      log.warn({ ...about, cause: String(error) }, "an upstream provider's metadata could not be renewed; the last is used"),
  });
  const keys = createRemote({
    fetch,
    clock,
    fresh: 10 * MINUTE,
    stale: 24 * HOUR,
    parse: keySetOf,
    onStale: (error) => log.warn({ ...about, cause: String(error) }, "an upstream provider's keys could not be renewed; the last are used"),
  });
  const metadata = () => published.get(`${base}/.well-known/openid-configuration`);
  return {
    upstream,
    fetch,
    authentication: createClientAuthentication(upstream),
    redirectUri: `${config.publicUrl}/oauth/callback/${upstream.id}`,
    insecure,
    metadata,
    async keys(renewed) {
      const { jwks_uri: address = "" } = await metadata();
      return renewed ? keys.renew(address) : keys.get(address);
    },
  };
}

const NEEDED = ["authorization_endpoint", "token_endpoint", "jwks_uri"] as const;
const OPTIONAL = ["userinfo_endpoint", "end_session_endpoint"] as const;

/**
 * OpenID Connect Discovery §4.3: the issuer published must be the one that was asked. A final slash is the one thing in
 * which an operator may be wrong; what is published holds, byte for byte, in all that follows.
 * @throws {TypeError} saying what is wrong.
 */
function metadataOf(document: unknown, { issuer, tenants }: Upstream, insecure: boolean): AuthorizationServer {
  const metadata = document as AuthorizationServer & Readonly<Record<string, unknown>>;
  if (typeof metadata.issuer !== "string") throw new TypeError("names no issuer");
  const withoutSlash = (text: string) => text.replace(/\/$/, "");
  const isOfTenants = tenants !== undefined && metadata.issuer.includes(TENANT);
  // Otherwise everyone of that one tenant would come in, listed or not.
  if (tenants !== undefined && !isOfTenants) throw new TypeError("is an issuer for one tenant: leave tenants out");
  if (!isOfTenants && withoutSlash(metadata.issuer) !== withoutSlash(issuer))
    throw new TypeError(`names another issuer: ${metadata.issuer.slice(0, 200)}`);
  for (const name of [...NEEDED, ...OPTIONAL]) {
    const endpoint = metadata[name];
    if (endpoint === undefined && (OPTIONAL as readonly string[]).includes(name)) continue;
    if (typeof endpoint !== "string" || !URL.canParse(endpoint)) throw new TypeError(`has no ${name}`);
    const { protocol } = new URL(endpoint);
    if (protocol !== "https:" && !(insecure && protocol === "http:")) throw new TypeError(`has a ${name} that is not https`);
  }
  return metadata;
}

/** Where an issuer for all tenants of Microsoft leaves the tenant's id open. */
export const TENANT = "{tenantid}";

function keySetOf(document: unknown): KeySet {
  const { keys } = document as { readonly keys?: unknown };
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === "object" && key !== null)) throw new TypeError("is not a JWK set");
  return { keys };
}
