import { numberVariable } from "./config-variable.ts";

/** How long things live, in milliseconds. */
export interface Lifetimes {
  readonly code: number;
  readonly accessToken: number;
  readonly refreshIdle: number;
  readonly refreshAbsolute: number;
  readonly sessionIdle: number;
  readonly sessionAbsolute: number;
  readonly transaction: number;
  readonly emailCode: number;
  /** The most that a client's assertion may have between its iat and its exp. */
  readonly clientAssertion: number;
  /** How long others may keep discovery and the public keys. */
  readonly jwksCache: number;
  /** From a signing key's publication to its first signature. */
  readonly keyLead: number;
  /** How long a replaced signing key stays published beyond its last token. */
  readonly keyOverlap: number;
  /** How long the record of a dead grant says so. */
  readonly deadGrant: number;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Seconds, each. */
export const LIFETIME_VARIABLES = {
  LIFETIME_CODE: numberVariable("Seconds within which a client must redeem an authorization code.", 60, 10, 10 * MINUTE),
  LIFETIME_ACCESS_TOKEN: numberVariable("Seconds that access tokens and ID tokens are valid.", HOUR, MINUTE, DAY),
  LIFETIME_REFRESH_IDLE: numberVariable("Seconds after which a refresh token that is not used dies.", 30 * DAY, HOUR, 365 * DAY),
  LIFETIME_REFRESH: numberVariable(
    "Seconds after which a grant ends however it is used, and the person is asked again.",
    180 * DAY,
    HOUR,
    3_650 * DAY,
  ),
  LIFETIME_SESSION_IDLE: numberVariable(
    "Seconds after which a browser that is not used has to sign in again.",
    12 * HOUR,
    MINUTE,
    30 * DAY,
  ),
  LIFETIME_SESSION: numberVariable("Seconds after which a browser has to sign in again however it is used.", 7 * DAY, MINUTE, 365 * DAY),
  LIFETIME_TRANSACTION: numberVariable("Seconds that one sign-in, from request to consent, may take.", 30 * MINUTE, MINUTE, DAY),
  LIFETIME_EMAIL_CODE: numberVariable("Seconds that a sign-in code from an e-mail works.", 10 * MINUTE, MINUTE, HOUR),
  LIFETIME_CLIENT_ASSERTION: numberVariable(
    "Seconds that a client's assertion (`private_key_jwt`) may be valid; longer ones are refused.",
    10 * MINUTE,
    MINUTE,
    HOUR,
  ),
  LIFETIME_JWKS_CACHE: numberVariable("Seconds for which others may keep the public keys and the discovery documents.", 300, 0, HOUR),
  LIFETIME_KEY_LEAD: numberVariable(
    "Seconds from a new signing key's publication to its first signature; no less than `LIFETIME_JWKS_CACHE`.",
    10 * MINUTE,
    0,
    7 * DAY,
  ),
  LIFETIME_KEY_OVERLAP: numberVariable(
    "Seconds that a replaced signing key stays published after its last token has expired.",
    10 * MINUTE,
    0,
    7 * DAY,
  ),
  LIFETIME_DEAD_GRANT: numberVariable("Seconds that the record of an ended grant is kept.", 30 * DAY, HOUR, 365 * DAY),
};

type LifetimeValues = { readonly [N in keyof typeof LIFETIME_VARIABLES]?: number | undefined };

export function lifetimesOf(values: LifetimeValues): Lifetimes {
  const milliseconds = (name: keyof LifetimeValues) => (values[name] ?? 0) * 1000;
  return {
    code: milliseconds("LIFETIME_CODE"),
    accessToken: milliseconds("LIFETIME_ACCESS_TOKEN"),
    refreshIdle: milliseconds("LIFETIME_REFRESH_IDLE"),
    refreshAbsolute: milliseconds("LIFETIME_REFRESH"),
    sessionIdle: milliseconds("LIFETIME_SESSION_IDLE"),
    sessionAbsolute: milliseconds("LIFETIME_SESSION"),
    transaction: milliseconds("LIFETIME_TRANSACTION"),
    emailCode: milliseconds("LIFETIME_EMAIL_CODE"),
    clientAssertion: milliseconds("LIFETIME_CLIENT_ASSERTION"),
    jwksCache: milliseconds("LIFETIME_JWKS_CACHE"),
    keyLead: milliseconds("LIFETIME_KEY_LEAD"),
    keyOverlap: milliseconds("LIFETIME_KEY_OVERLAP"),
    deadGrant: milliseconds("LIFETIME_DEAD_GRANT"),
  };
}

/** What one lifetime asks of another, a line for each that is broken. */
export function lifetimeFaults({ jwksCache, keyLead, accessToken, refreshIdle, refreshAbsolute }: Lifetimes): string[] {
  const faults: string[] = [];
  if (keyLead < jwksCache) faults.push("LIFETIME_KEY_LEAD: must not be less than LIFETIME_JWKS_CACHE");
  if (refreshIdle < accessToken) faults.push("LIFETIME_REFRESH_IDLE: must not be less than LIFETIME_ACCESS_TOKEN");
  if (refreshAbsolute < refreshIdle) faults.push("LIFETIME_REFRESH: must not be less than LIFETIME_REFRESH_IDLE");
  return faults;
}
