import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Config } from "../../shared/config.ts";
import { isLoopbackHost } from "../../shared/net/loopback.ts";
import type { Service } from "../../shared/service.ts";
import { lifetimes } from "../lifetimes.ts";
import { writeMessage } from "./mail-message.ts";

/** A sign-in code on its way. */
export interface CodeMail {
  readonly to: string;
  /** As people read it. */
  readonly code: string;
}

/** The way to the mail server. */
export interface Post {
  /**
   * Mails a sign-in code: once more when the server did not answer or said "later", and never a third time.
   * @param request The id of the request that asked, for the log, which never has the address. Never throws.
   */
  send(mail: CodeMail, request: string): Promise<void>;
}

/** Milliseconds. Whoever waits for a code asks for another after less than a minute. */
const TIMES = {
  connectionTimeout: 10_000,
  greetingTimeout: 10_000,
  socketTimeout: 15_000,
  dnsTimeout: 5_000,
  /** How long an unused connection is kept; servers wait for minutes. */
  idleTimeout: 30_000,
} as const;
/** For one attempt, whatever the server does. */
const ATTEMPT = 25_000;
const PAUSE = 1_000;
/** What is under way when the service stops may take this long; a host leaves five seconds in all. */
const STOPPING_GRACE = 3_000;
const MAX_CONNECTIONS = 5;
/** Mails under way in this process; memory is not for those whom a server that hangs keeps waiting. */
const MAX_WAITING = 500;

/** @returns Nothing where no mail server is configured (development). */
export function createPost(service: Service): Post | undefined {
  const { config, log, clock, stopping } = service;
  const { mail } = config;
  if (!mail) return undefined;
  const { host } = new URL(config.publicUrl);
  const minutes = Math.floor(lifetimes(service).emailCode / 60_000);
  const senderDomain = /@([^@>]+)>?$/.exec(mail.from)?.[1] ?? host;
  const hurry = new AbortController();
  let waiting = 0;
  // Made at once: loading the library must not tell who was sent the first mail.
  let transport: ReturnType<typeof connect> | undefined = connect(mail.smtpUrl);
  transport.catch(() => {});

  /** An idle connection would keep the process from ending. */
  function closeWhenIdle(): void {
    if (!stopping.aborted || waiting > 0) return;
    transport?.then(
      (pool) => pool.close(),
      () => {},
    );
    transport = undefined;
  }

  function finishSoon(): void {
    setTimeout(() => hurry.abort(), STOPPING_GRACE).unref();
    closeWhenIdle();
  }
  if (stopping.aborted) finishSoon();
  stopping.addEventListener("abort", finishSoon);

  async function attempt({ to, code }: CodeMail, from: string, smtpUrl: string): Promise<string> {
    transport ??= connect(smtpUrl);
    const messageId = `${randomUUID()}@${senderDomain}`;
    await (await transport).sendMail({
      from,
      to: { name: "", address: to },
      ...writeMessage({ code, host, minutes }),
      date: new Date(clock()),
      messageId: `<${messageId}>`,
      // Away notices and other machines do not answer (RFC 3834 §5).
      headers: { "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All" },
      xMailer: false,
      disableFileAccess: true,
      disableUrlAccess: true,
      signal: AbortSignal.any([AbortSignal.timeout(ATTEMPT), hurry.signal]),
    });
    return messageId;
  }

  async function attemptTwice(code: CodeMail, { from, smtpUrl }: NonNullable<Config["mail"]>, request: string): Promise<string> {
    try {
      return await attempt(code, from, smtpUrl);
    } catch (error) {
      if (!mayPass(error) || hurry.signal.aborted) throw error;
      log.warn({ request, ...faultOf(error) }, "a sign-in code could not be mailed and is tried again");
      await pause(PAUSE, undefined, { signal: hurry.signal });
      return attempt(code, from, smtpUrl);
    }
  }

  return {
    async send(code, request) {
      if (waiting >= MAX_WAITING) {
        log.error({ request, fault: "too_many_waiting" }, "a sign-in code could not be mailed");
        return;
      }
      waiting += 1;
      try {
        const messageId = await attemptTwice(code, mail, request);
        log.info({ request, messageId }, "a sign-in code was mailed");
      } catch (error) {
        log.error({ request, ...faultOf(error) }, "a sign-in code could not be mailed");
      } finally {
        waiting -= 1;
        closeWhenIdle();
      }
    },
  };
}

/** Loaded when it is used. What the URL itself says comes before what is said here. */
async function connect(smtpUrl: string) {
  const { createTransport } = await import("nodemailer");
  const { hostname, searchParams } = new URL(smtpUrl);
  const requireTLS = !isLoopbackHost(hostname) && !searchParams.has("ignoreTLS");
  // The second attempt is ours: the pool makes none by itself.
  return createTransport({ pool: true, url: smtpUrl, maxConnections: MAX_CONNECTIONS, maxRequeues: 0, requireTLS, ...TIMES });
}

interface SmtpFault {
  readonly name?: string;
  readonly code?: string;
  readonly responseCode?: number;
  readonly command?: string;
}

/** The server's own words may hold the address: they stay out. */
function faultOf(error: unknown): object {
  const { name, code = name, responseCode, command } = error as SmtpFault;
  return { fault: code, responseCode, command };
}

/** The network, and what a server calls transient (RFC 5321 §4.2.1). A mistake in the settings does not go away. */
const PASSING: ReadonlySet<unknown> = new Set(["ECONNECTION", "ESOCKET", "ETIMEDOUT", "EDNS"]);

function mayPass(error: unknown): boolean {
  const { code, responseCode } = error as SmtpFault;
  return responseCode === undefined ? PASSING.has(code) : responseCode >= 400 && responseCode < 500;
}
