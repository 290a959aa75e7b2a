import { numberVariable } from "./config-variable.ts";

/** How often is too often: failures at the token and revocation endpoints, in ten minutes each. */
export interface Limits {
  readonly tokenFailuresPerAddress: number;
  readonly tokenFailuresPerClient: number;
  readonly tokenFailuresPerSubject: number;
}

const MOST = 1_000_000;

export const LIMIT_VARIABLES = {
  LIMIT_TOKEN_FAILURES_PER_ADDRESS: numberVariable(
    "Refused requests to the token endpoint in ten minutes from one address (an IPv6 /64), before it has to wait; ten times as many of clients that authenticate. `SHARED_EGRESS` is not counted.",
    600,
    1,
    MOST,
  ),
  LIMIT_TOKEN_FAILURES_PER_CLIENT: numberVariable(
    "The same for one client at one address, so that one broken application does not stop the others behind it.",
    300,
    1,
    MOST,
  ),
  LIMIT_TOKEN_FAILURES_PER_SUBJECT: numberVariable(
    "The same for one client and one person at one address, `SHARED_EGRESS` included: what holds where everyone else's requests come from the same addresses.",
    100,
    1,
    MOST,
  ),
};

type LimitValues = { readonly [N in keyof typeof LIMIT_VARIABLES]?: number | undefined };

export function limitsOf(values: LimitValues): Limits {
  return {
    tokenFailuresPerAddress: values.LIMIT_TOKEN_FAILURES_PER_ADDRESS ?? 1,
    tokenFailuresPerClient: values.LIMIT_TOKEN_FAILURES_PER_CLIENT ?? 1,
    tokenFailuresPerSubject: values.LIMIT_TOKEN_FAILURES_PER_SUBJECT ?? 1,
  };
}
