/** How long things live, in milliseconds. */
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export const LIFETIMES = {
  code: 60 * SECOND,
  accessToken: HOUR,
  refreshIdle: 30 * DAY,
  refreshAbsolute: 180 * DAY,
  sessionIdle: 12 * HOUR,
  sessionAbsolute: 7 * DAY,
  transaction: 30 * MINUTE,
  emailCode: 10 * MINUTE,
  browserCookie: 180 * DAY,
  /** A client that never redeemed a code. */
  unusedClient: 30 * DAY,
  deadGrant: 30 * DAY,
  consent: 180 * DAY,
  /** Within this time of a rotation the old refresh token is a lost reply, not a theft. */
  refreshReplay: 30 * SECOND,
} as const;
