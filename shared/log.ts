import { pino } from "pino";
import { isoTime } from "./iso-time.ts";

/** The service's log: one JSON line an event. Never a secret, token, code or e-mail address in production. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Log;
}

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A second fence behind "never log a secret": fields of these names are blanked. Lines are flat, so one level will do. */
const SECRET_NAMES = [
  "authorization",
  "cookie",
  "set-cookie",
  "access_token",
  "refresh_token",
  "id_token",
  "client_secret",
  "client_assertion",
  "code",
  "code_verifier",
  "token",
  "secret",
  "password",
  "email",
];

/**
 * Lines are written when so many bytes of them are there, or so many milliseconds have passed: a write is most of a line's
 * cost. No more than 16 KiB are ever written at once, and pino takes no bound that reaches that.
 */
const WRITTEN_AT_ONCE = 16_000;
const WRITTEN_WITHIN = 100;

/**
 * Lines are written while the service goes on, and the last ones before the process exits.
 * @param destination A file descriptor or path; standard output when absent.
 */
export function createLog(level: LogLevel, destination?: number | string): Log {
  const paths = SECRET_NAMES.map((name) => `["${name}"]`);
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${isoTime(Date.now())}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths, censor: "[redacted]" },
    },
    pino.destination({ dest: destination ?? 1, sync: false, minLength: WRITTEN_AT_ONCE, periodicFlush: WRITTEN_WITHIN }),
  );
}
