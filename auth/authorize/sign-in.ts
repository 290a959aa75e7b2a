import { type Exchange, HttpError, type Reply } from "../../shared/http/exchange.ts";
import type { Parameters } from "../../shared/http/form.ts";
import type { Service } from "../../shared/service.ts";
import { audit } from "../audit.ts";
import { normalizeEmail } from "../identity/email-address.ts";
import { askForCode, checkCode, displayCode } from "../identity/email-code.ts";
import { rememberBrowser } from "../identity/known-browser.ts";
import { beginSession } from "../identity/sessions.ts";
import { subjectOf } from "../identity/subjects.ts";
import { codePage } from "../pages/code.ts";
import { signInPage } from "../pages/sign-in.ts";
import { wordsFor } from "../scopes.ts";
import { seeOther } from "./answer.ts";
import { isBeforeSignIn, mayBeSkipped, toSignIn } from "./consent.ts";
import { allow } from "./decision.ts";
import { type Account, advance } from "./transaction.ts";
import { type ClientVisit, pathOf, type Visit, viewOf } from "./visit.ts";

const ACCOUNT_PAGE = "/account";

/** Asks who it is. Nobody is sent anywhere before this page, which names the client, was posted. */
export function showSignIn(visit: Visit, { email, fault }: { readonly email?: string; readonly fault?: string } = {}): Reply {
  const { transaction, asking } = visit;
  return signInPage({
    client: asking && viewOf(asking.client, asking.request.redirectUri),
    scopes: (asking?.request.scopes ?? []).map((scope) => ({ scope, words: wordsFor(scope), isNew: false })),
    action: `${pathOf(transaction)}/email`,
    email: email ?? transaction.entry.value.loginHint,
    fault,
    developmentHint: developmentHint(visit),
  });
}

interface CodeState {
  readonly code?: string | undefined;
  readonly fault?: string;
  readonly status?: number;
}

/** Asks for the code that was sent. */
export function showCode({ service, exchange, transaction, asking }: Visit, { code, fault, status }: CodeState = {}): Reply {
  const page = codePage({
    client: asking && viewOf(asking.client, asking.request.redirectUri),
    action: `${pathOf(transaction)}/code`,
    email: transaction.entry.value.challenge?.email ?? "",
    restartAction: `${pathOf(transaction)}/restart`,
    fault,
    developmentCode: code !== undefined && mayShowCode(service, exchange) ? displayCode(code) : undefined,
  });
  return status === undefined ? page : { ...page, status };
}

export async function askEmail(visit: Visit, form: Parameters): Promise<Reply> {
  const { transaction } = visit;
  if (!isBeforeSignIn(transaction)) return seeOther(pathOf(transaction));
  const typed = form.get("email") ?? "";
  const email = normalizeEmail(typed);
  if (email === undefined) return showSignIn(visit, { email: typed, fault: "Enter an e-mail address, such as ann@example.com." });
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
      failed(visit, "wrong_code");
      return showCode(visit, { fault: "That is not the code. Look again, or ask for a new one." });
    }
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    failed(visit, error.status === 429 ? "too_many_tries" : "code_expired");
    return showCode(visit, { fault: error.message, status: error.status });
  }
  const sub = await subjectOf(service, "email", challenge.email);
  await rememberBrowser(service, exchange, challenge.email);
  const account = { sub, authTime: service.clock(), email: challenge.email, emailVerified: true };
  return proved(visit, account, "email");
}

/** Someone has proved who they are, by whatever way: a new session, and on to consent or to their own page. */
async function proved(visit: Visit, account: Account, provider: string): Promise<Reply> {
  const { service, exchange, transaction, asking } = visit;
  const { expectedSub } = transaction.entry.value;
  if (expectedSub !== undefined && expectedSub !== account.sub) return refuseOther(visit);
  const next = await advance(service, transaction, { stage: asking ? "consent" : "done", account, challenge: undefined });
  const cookie = await beginSession(service, exchange, { ...account, provider, createdAt: account.authTime });
  audit(service, exchange, "sign_in", { subject: account.sub, provider, ...(asking ? { client: asking.client.clientId } : {}) });
  if (!asking) return seeOther(ACCOUNT_PAGE, [cookie]);
  const signed: ClientVisit = { ...visit, transaction: next, asking };
  if (!(await mayBeSkipped(signed, account))) return seeOther(pathOf(next), [cookie]);
  const answer = await allow(signed, account);
  return { ...answer, headers: { ...answer.headers, "set-cookie": [cookie] } };
}

/** The client means one person: another may not go on in that name (OpenID Connect Core §3.1.2.1, id_token_hint). */
async function refuseOther(visit: Visit): Promise<Reply> {
  failed(visit, "another_person");
  const transaction = await advance(visit.service, visit.transaction, { stage: "sign_in", challenge: undefined, loginHint: undefined });
  return showSignIn({ ...visit, transaction }, { fault: "The app asks for another account: the one that you used with it before." });
}

function failed({ service, exchange, asking }: Visit, reason: string): void {
  audit(service, exchange, "sign_in_failed", { reason, provider: "email", ...(asking ? { client: asking.client.clientId } : {}) });
}

function developmentHint({ service, exchange }: Visit): string | undefined {
  if (service.config.mail) return undefined;
  return mayShowCode(service, exchange)
    ? "Development: the next page shows the code."
    : "Development: the code is printed in the terminal.";
}

/** Only where nobody but this machine can see the page: a tunnel must not let the Internet in. */
function mayShowCode({ config }: Service, exchange: Exchange): boolean {
  return !config.production && config.mail === undefined && config.publicUrlIsLoopback && exchange.loopback;
}
