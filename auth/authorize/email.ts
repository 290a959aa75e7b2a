import { type Exchange, HttpError, type Reply, type ReplyHeaders } from "../../shared/http/exchange.ts";
import type { Parameters } from "../../shared/http/form.ts";
import type { Service } from "../../shared/service.ts";
import { normalizeEmail } from "../identity/email-address.ts";
import { askForCode, checkCode, displayCode } from "../identity/email-code.ts";
import { rememberBrowser } from "../identity/known-browser.ts";
import { subjectOf } from "../identity/subjects.ts";
import { choicesFor, EMAIL, providerOf } from "../identity/upstream/choices.ts";
import { codePage } from "../pages/code.ts";
import { seeOther } from "./answer.ts";
import { isBeforeSignIn, toSignIn } from "./consent.ts";
import { failed, mayShowCode, proved, showSignIn } from "./sign-in.ts";
import { sendUpstream } from "./upstream.ts";
import { pathOf, type Visit, viewOf } from "./visit.ts";

interface CodeState {
  readonly code?: string | undefined;
  readonly fault?: string;
  readonly status?: number;
  /** Beside those of every page. */
  readonly headers?: ReplyHeaders;
}

/** Asks for the code that was sent. */
export function showCode({ service, exchange, transaction, asking }: Visit, { code, fault, status, headers }: CodeState = {}): Reply {
  const page = codePage({
    client: asking && viewOf(asking.client, asking.request.redirectUri),
    action: `${pathOf(transaction)}/code`,
    email: transaction.entry.value.challenge?.email ?? "",
    restartAction: `${pathOf(transaction)}/restart`,
    fault,
    developmentCode: shownCode(service, exchange, code),
  });
  return status === undefined ? page : { ...page, status, headers: { ...page.headers, ...headers } };
}

function shownCode(service: Service, exchange: Exchange, code: string | undefined): string | undefined {
  return code !== undefined && mayShowCode(service, exchange) ? displayCode(code) : undefined;
}

/** An address was typed: it leads to the provider of its domain, or is sent a code. */
export async function askEmail(visit: Visit, form: Parameters): Promise<Reply> {
  const { service, transaction, asking } = visit;
  if (!isBeforeSignIn(transaction)) return seeOther(pathOf(transaction));
  const typed = form.get("email") ?? "";
  const email = normalizeEmail(typed);
  if (email === undefined) return showSignIn(visit, { email: typed, fault: "Enter an e-mail address, such as ann@example.com." });
  const choices = choicesFor(service.config, asking?.client.clientId);
  const provider = providerOf(choices, email);
  if (provider) return sendUpstream(visit, provider.id, email);
  if (!choices.email) return showSignIn(visit, { email: typed, problem: "Nobody signs in here with this address.", status: 400 });
  return sendCode(visit, email);
}

/** A new code for the same address, or another address. */
export async function askAgain(visit: Visit, form: Parameters): Promise<Reply> {
  const { stage, challenge } = visit.transaction.entry.value;
  if (stage === "code" && challenge && form.get("restart") === "resend") return sendCode(visit, challenge.email);
  return isBeforeSignIn(visit.transaction) ? toSignIn(visit) : seeOther(pathOf(visit.transaction));
}

async function sendCode(visit: Visit, email: string): Promise<Reply> {
  const { transaction, code } = await askForCode(visit, email);
  return showCode({ ...visit, transaction }, { code });
}

export async function tryCode(visit: Visit, form: Parameters): Promise<Reply> {
  const { service, exchange, transaction } = visit;
  const { challenge, stage } = transaction.entry.value;
  if (stage !== "code" || !challenge) return seeOther(pathOf(transaction));
  try {
    if (!(await checkCode(visit, form.get("code") ?? ""))) {
      failed(visit, "wrong_code", EMAIL);
      return showCode(visit, { fault: "That is not the code. Look again, or ask for a new one." });
    }
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    failed(visit, error.status === 429 ? "too_many_tries" : "code_expired", EMAIL);
    return showCode(visit, { fault: error.message, status: error.status, headers: error.headers });
  }
  const sub = await subjectOf(service, EMAIL, challenge.email);
  await rememberBrowser(service, exchange, challenge.email);
  return proved(visit, { sub, provider: EMAIL, authTime: service.clock(), email: challenge.email, emailVerified: true });
}
