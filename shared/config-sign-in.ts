import { z } from "zod";
import { numberVariable, type Variable } from "./config-variable.ts";

/** So many in so much time. */
export interface Rate {
  readonly max: number;
  /** Milliseconds. */
  readonly window: number;
}

/** How often is too often at the pages that people see. */
export interface SignInLimits {
  /** Authorization requests and visits to sign in, in an hour from one address. */
  readonly visitsPerAddress: number;
  /** Sign-in codes that are asked for. */
  readonly codesPerAddress: readonly Rate[];
  readonly codesPerEmail: readonly Rate[];
  readonly codesPerBrowser: readonly Rate[];
  /** Codes that are typed, right ones too. */
  readonly triesPerAddress: readonly Rate[];
  readonly triesPerEmail: readonly Rate[];
  readonly triesPerBrowser: readonly Rate[];
  /** In a day. */
  readonly wrongCodesPerEmail: number;
}

const MOST = 1_000_000;
const MINUTE = 60_000;

/** The windows there are, each by its name in a variable. Milliseconds. */
const WINDOWS: ReadonlyMap<string, number> = new Map([
  ["minute", MINUTE],
  ["quarter", 15 * MINUTE],
  ["hour", 60 * MINUTE],
  ["day", 24 * 60 * MINUTE],
]);

/** `10/minute 15/quarter 20/hour 40/day`, or some of them; a number alone is an hour's. */
const rates = z.string().transform((text, context): readonly Rate[] => {
  const found = new Map<number, number>();
  for (const item of text.split(/[\s,]+/)) {
    const [, number = "", name = "hour"] = /^(\d{1,7})(?:\/([a-z]+))?$/.exec(item) ?? [];
    const max = Number(number);
    const window = WINDOWS.get(name);
    if (window === undefined || max < 1 || max > MOST || found.has(window)) {
      const message = `must be limits such as 10/minute 15/quarter 20/hour 40/day, from 1 to ${MOST}, each at most once`;
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    }
    found.set(window, max);
  }
  return Array.from(found, ([window, max]) => ({ window, max }));
});

/** Limits in several windows with the same default everywhere. */
function ratesVariable(about: string, standard: string) {
  return { about, schema: rates, development: standard, production: standard, example: standard } satisfies Variable<readonly Rate[]>;
}

export const SIGN_IN_VARIABLES = {
  LIMIT_VISITS_PER_ADDRESS: numberVariable(
    "Authorization requests and visits to sign in, in an hour from one address (an IPv6 /64), before it has to wait. `SHARED_EGRESS` is not counted.",
    2_000,
    1,
    MOST,
  ),
  LIMIT_CODES_PER_ADDRESS: ratesVariable(
    "Sign-in codes that one such address may ask for, for whatever e-mail addresses: in a `minute`, `quarter` of an hour, `hour` and `day`. What is left out is not limited; a number alone is the hour's. A browser that has signed in with the e-mail address before is not counted.",
    "200/minute 400/quarter 500/hour 2000/day",
  ),
  LIMIT_CODES_PER_EMAIL: ratesVariable(
    "The same for one e-mail address, whoever asks; what follows a `+` in it makes no difference. A browser that has signed in with it before counts for itself.",
    "20/minute 25/quarter 30/hour 60/day",
  ),
  LIMIT_CODES_PER_BROWSER: ratesVariable(
    "The same for one browser, for whatever e-mail addresses.",
    "10/minute 20/quarter 40/hour 100/day",
  ),
  LIMIT_TRIES_PER_ADDRESS: ratesVariable(
    "Codes that may be typed from one address, right ones too, in the same notation. A browser that has signed in with the e-mail address before is not counted.",
    "400/minute 800/quarter 1000/hour 4000/day",
  ),
  LIMIT_TRIES_PER_EMAIL: ratesVariable(
    "Codes that may be typed for one e-mail address, right ones too. A browser that has signed in with it before counts for itself.",
    "30/minute 45/quarter 60/hour 120/day",
  ),
  LIMIT_TRIES_PER_BROWSER: ratesVariable(
    "Codes that may be typed in one browser, right ones too.",
    "30/minute 60/quarter 100/hour 250/day",
  ),
  LIMIT_WRONG_CODES_PER_EMAIL: numberVariable(
    "Wrong codes for one e-mail address in a day, whoever types them. A browser that has signed in with it before counts for itself.",
    10,
    1,
    MOST,
  ),
};

type Values<V extends Readonly<Record<string, Variable>>> = {
  readonly [N in keyof V]?: (V[N] extends Variable<infer T> ? T : never) | undefined;
};

export function signInLimitsOf(values: Values<typeof SIGN_IN_VARIABLES>): SignInLimits {
  return {
    visitsPerAddress: values.LIMIT_VISITS_PER_ADDRESS ?? 1,
    codesPerAddress: values.LIMIT_CODES_PER_ADDRESS ?? [],
    codesPerEmail: values.LIMIT_CODES_PER_EMAIL ?? [],
    codesPerBrowser: values.LIMIT_CODES_PER_BROWSER ?? [],
    triesPerAddress: values.LIMIT_TRIES_PER_ADDRESS ?? [],
    triesPerEmail: values.LIMIT_TRIES_PER_EMAIL ?? [],
    triesPerBrowser: values.LIMIT_TRIES_PER_BROWSER ?? [],
    wrongCodesPerEmail: values.LIMIT_WRONG_CODES_PER_EMAIL ?? 1,
  };
}

/** What SMTP_URL may say in its query: how to reach the server, and nothing about messages or logs. */
const SMTP_OPTIONS: ReadonlySet<string> = new Set([
  "requireTLS",
  "ignoreTLS",
  "tls.servername",
  "tls.rejectUnauthorized",
  "tls.minVersion",
  "authMethod",
  "name",
  "connectionTimeout",
  "greetingTimeout",
  "socketTimeout",
  "dnsTimeout",
]);

/** Never repeats the URL, which has a password in it. */
const smtpUrl = z.string().superRefine((text, context) => {
  const fault = smtpUrlFault(text);
  if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
});

function smtpUrlFault(text: string): string | undefined {
  if (!/^smtps?:\/\//.test(text)) return "must begin with smtp:// or smtps://";
  if (!URL.canParse(text) || new URL(text).hostname === "") return "must be a URL such as smtps://user:password@mail.example.com";
  const { username, password, searchParams } = new URL(text);
  try {
    decodeURIComponent(username + password);
  } catch {
    return "has a % in its user or password that is not followed by two digits; write it as %25";
  }
  const unknown = [...searchParams.keys()].find((name) => !SMTP_OPTIONS.has(name));
  return unknown === undefined ? undefined : `has an unknown option; there are ${[...SMTP_OPTIONS].join(", ")}`;
}

/** `portico@example.com`, or with a name before it in angle brackets. */
const MAILBOX = /^(?:[^<>@,;:"\p{Cc}]+ )?<[^\s<>@,;:"\p{Cc}]+@[a-z0-9.-]+>$|^[^\s<>@,;:"\p{Cc}]+@[a-z0-9.-]+$/iu;

export const MAIL_VARIABLES = {
  SMTP_URL: {
    about:
      "The mail server for sign-in codes; its user and password are percent-encoded. `smtps:` is TLS from the start; `smtp:` goes on to TLS (STARTTLS) and must, unless the server is this machine or the URL ends in `?requireTLS=false`. Outside production, unset, the code is printed in the log and shown on loopback pages.",
    schema: smtpUrl,
    example: "smtps://user:password@mail.example.com",
  },
  MAIL_FROM: {
    about: "The sender of those mails; needed with `SMTP_URL`.",
    schema: z.string().regex(MAILBOX, "must be an address such as portico@example.com or Portico <portico@example.com>"),
    example: "Portico <portico@example.com>",
  },
} satisfies Readonly<Record<string, Variable>>;
