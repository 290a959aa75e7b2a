import { numberVariable } from "./config-variable.ts";

/** How often is too often at the pages that people see. */
export interface SignInLimits {
  /** Authorization requests and visits to sign in, in an hour from one address. */
  readonly visitsPerAddress: number;
  /** Sign-in codes in an hour. */
  readonly codesPerAddress: number;
  readonly codesPerEmail: number;
  /** In a day. */
  readonly wrongCodesPerEmail: number;
}

const MOST = 1_000_000;

export const SIGN_IN_VARIABLES = {
  LIMIT_VISITS_PER_ADDRESS: numberVariable(
    "Authorization requests and visits to sign in, in an hour from one address (an IPv6 /64), before it has to wait. `SHARED_EGRESS` is not counted.",
    2_000,
    1,
    MOST,
  ),
  LIMIT_CODES_PER_ADDRESS: numberVariable(
    "Sign-in codes that one such address may have sent in an hour, to whatever e-mail addresses.",
    500,
    1,
    MOST,
  ),
  LIMIT_CODES_PER_EMAIL: numberVariable(
    "Sign-in codes for one e-mail address in an hour, whoever asks. A browser that has signed in with it before counts for itself.",
    20,
    1,
    MOST,
  ),
  LIMIT_WRONG_CODES_PER_EMAIL: numberVariable(
    "Wrong codes for one e-mail address in a day, whoever types them. A browser that has signed in with it before counts for itself.",
    10,
    1,
    MOST,
  ),
};

type SignInValues = { readonly [N in keyof typeof SIGN_IN_VARIABLES]?: number | undefined };

export function signInLimitsOf(values: SignInValues): SignInLimits {
  return {
    visitsPerAddress: values.LIMIT_VISITS_PER_ADDRESS ?? 1,
    codesPerAddress: values.LIMIT_CODES_PER_ADDRESS ?? 1,
    codesPerEmail: values.LIMIT_CODES_PER_EMAIL ?? 1,
    wrongCodesPerEmail: values.LIMIT_WRONG_CODES_PER_EMAIL ?? 1,
  };
}
