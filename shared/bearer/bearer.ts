import { LRUCache } from "lru-cache";
import { type Awaitable, andThen } from "../awaitable.ts";
import type { Caller } from "../capabilities/capability.ts";
import type { Config } from "../config.ts";
import type { Grant } from "../state/records.ts";
import type { Store } from "../state/store.ts";
import { createAudiences, type SurfaceName } from "./audience.ts";
import { BearerError } from "./bearer-error.ts";
import { createLiveness, type Living } from "./liveness.ts";
import { type AccessTokenClaims, createSignatureCheck, NOT_OURS } from "./signature.ts";
import { createVerificationKeys, type VerificationKeys } from "./verification-keys.ts";

/** Verifies access tokens (RFC 9068) locally and tells whether their grant is still alive. */
export interface BearerVerifier {
  /**
   * @param surface Whose token it must be: "issuer" takes any surface's (userinfo).
   * @throws {BearerError} `missing` without a token, `invalid` for every other reason.
   * @throws {Unavailable} when liveness cannot be told: never "invalid", never open.
   */
  verify(authorization: string | undefined, surface: SurfaceName | "issuer"): Awaitable<Caller>;
  /** A token of ours with a good signature, alive or not: for its own revocation. @throws {BearerError} otherwise. */
  inspect(token: string): Promise<AccessTokenClaims>;
  /** Whether the client or the subject is disabled, or was cut off after what began at `since` (seconds since the epoch). */
  isCutOff(subject: string, clientId: string, since: number): Promise<boolean>;
  readonly keys: VerificationKeys;
  /** Drops what is cached of a grant, so that this process sees its end at once. */
  forget(grantId: string): void;
}

export interface BearerOptions {
  readonly config: Config;
  readonly store: Store;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** A bearer that was let in, and until when that needs no second look, in milliseconds since the epoch. */
interface Acceptance {
  /** The header that bore it. */
  readonly authorization: string;
  readonly surface: SurfaceName;
  readonly caller: Caller;
  readonly until: number;
  readonly endings: number;
}

/** Characters of a header by which it is found. */
const PLACE_LENGTH = 32;
/** Each takes about as much as two headers that bore its token, which are a kilobyte each. */
const MAX_ACCEPTED = 20_000;
const ANOTHER_RESOURCE = "The access token was issued for another resource.";

export function createBearerVerifier({ config, store, clock }: BearerOptions): BearerVerifier {
  const audiences = createAudiences(config.publicUrl);
  const keys = createVerificationKeys({ config, store, clock });
  const signatures = createSignatureCheck({ issuer: config.publicUrl, keys, clock });
  const liveness = createLiveness({ store, clock });

  const accepted = new LRUCache<string, Acceptance>({ max: MAX_ACCEPTED });
  /** Counts what this process ended itself: nothing from before is taken on trust then. */
  let endings = 0;

  /** The grant and the keys are asked for at once, in the same turn: a remote store answers both in one request. */
  function livingGrant(claims: AccessTokenClaims): Awaitable<Living> {
    const renewed = keys.renew();
    if (renewed === undefined) return liveness.check(claims);
    const checking = (async () => liveness.check(claims))();
    return Promise.all([checking, renewed]).then(([living]) => living);
  }

  function accept(authorization: string): Awaitable<Acceptance> {
    return andThen(signatures.check(tokenOf(authorization)), (claims) => {
      const surface = audiences.surfaceOf(claims.aud);
      if (surface === undefined) throw new BearerError("invalid", ANOTHER_RESOURCE);
      const begun = endings;
      return andThen(livingGrant(claims), ({ grant, until }) => {
        // Comes last: the key must still be there when all else is known.
        if (!keys.has(claims.kid)) throw NOT_OURS;
        const acceptance = {
          authorization,
          surface,
          caller: callerOf(claims, grant),
          until: Math.min(claims.exp * 1000, keys.knownUntil(), until),
          endings: begun,
        };
        accepted.set(placeOf(authorization), acceptance);
        return acceptance;
      });
    });
  }

  return {
    keys,
    inspect: async (token) => signatures.check(token),
    isCutOff: liveness.isCutOff,
    forget(grantId) {
      liveness.forget(grantId);
      endings++;
    },
    verify(authorization, surface) {
      if (authorization === undefined) throw new BearerError("missing", "An access token is needed.");
      const known = accepted.get(placeOf(authorization));
      const isFresh = known?.authorization === authorization && known.endings === endings && clock() < known.until;
      return andThen(isFresh ? known : accept(authorization), (acceptance) => {
        if (surface === "issuer" || acceptance.surface === surface) return acceptance.caller;
        throw new BearerError("invalid", ANOTHER_RESOURCE);
      });
    },
  };
}

/** Where it is kept: the end of a signature tells it from all others, and the whole header would take longer to look up. */
function placeOf(authorization: string): string {
  return authorization.slice(-PLACE_LENGTH);
}

/** A machine's grant knows no person. */
function callerOf(claims: AccessTokenClaims, { authTime, profile }: Grant): Caller {
  const caller: { -readonly [Member in keyof Caller]: Caller[Member] } = {
    subject: claims.sub,
    clientId: claims.client_id,
    scopes: claims.scopes,
    grantId: claims.gid,
    audience: claims.aud,
    issuedAt: claims.iat,
    expiresAt: claims.exp,
  };
  if (authTime !== undefined) caller.authTime = Math.floor(authTime / 1000);
  if (profile !== undefined) caller.profile = profile;
  return caller;
}

function tokenOf(authorization: string): string {
  const match = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(authorization);
  if (!match?.[1]) throw new BearerError("invalid", "The Authorization header is not a bearer token.");
  return match[1];
}
