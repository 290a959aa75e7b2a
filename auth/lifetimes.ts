import type { Lifetimes as ConfiguredLifetimes } from "../shared/config-lifetimes.ts";
import type { Service } from "../shared/service.ts";

const SECOND = 1000;
const DAY = 24 * 60 * 60 * SECOND;

/** Those that nobody configures, because a promise made elsewhere depends on them. Milliseconds. */
export const LIFETIMES = {
  browserCookie: 180 * DAY,
  /** A client that never redeemed a code. */
  unusedClient: 30 * DAY,
  consent: 180 * DAY,
  /** Within this time of a rotation the old refresh token is a lost reply, not a theft. */
  refreshReplay: 30 * SECOND,
} as const;

/** How long things live, in milliseconds. */
export type Lifetimes = ConfiguredLifetimes & typeof LIFETIMES;

const known = new WeakMap<Service["config"], Lifetimes>();

/** The configured lifetimes and the fixed ones. */
export function lifetimes({ config }: Pick<Service, "config">): Lifetimes {
  const all = known.get(config) ?? { ...config.lifetimes, ...LIFETIMES };
  known.set(config, all);
  return all;
}
