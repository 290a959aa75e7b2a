import type { Exchange, Reply } from "../../shared/http/exchange.ts";
import type { Service } from "../../shared/service.ts";
import { subjectStateKind } from "../../shared/state/records.ts";
import { audit } from "../audit.ts";
import { beginSession } from "../identity/sessions.ts";
import { type Choices, choicesFor } from "../identity/upstream/choices.ts";
import { type EmailWay, type SignInFault, signInPage } from "../pages/sign-in.ts";
import { wordsFor } from "../scopes.ts";
import { seeOther } from "./answer.ts";
import { mayBeSkipped, OTHER_ACCOUNT } from "./consent.ts";
import { allow } from "./decision.ts";
import { type Account, advance } from "./transaction.ts";
import { type ClientVisit, pathOf, type Visit, viewOf } from "./visit.ts";

const ACCOUNT_PAGE = "/account";

/** Asks who it is. Nobody is sent anywhere before this page, which names the client, was posted. */
export function showSignIn(visit: Visit, state: SignInFault & { readonly email?: string } = {}): Reply {
  const { service, transaction, asking } = visit;
  const choices = choicesFor(service.config, asking?.client.clientId);
  const { email = transaction.entry.value.loginHint, ...fault } = state;
  const path = pathOf(transaction);
  return signInPage({
    client: asking && viewOf(asking.client, asking.request.redirectUri),
    scopes: (asking?.request.scopes ?? []).map((scope) => ({ scope, words: wordsFor(scope), isNew: false })),
    providers: { action: `${path}/upstream`, listed: choices.listed },
    action: `${path}/email`,
    emailWay: emailWayOf(choices),
    email,
    ...fault,
    developmentHint: choices.email ? developmentHint(visit) : undefined,
  });
}

function emailWayOf({ email, byDomain }: Choices): EmailWay | "none" {
  if (byDomain.length === 0) return email ? "code" : "none";
  return email ? "either" : "provider";
}

/**
 * Someone has proved who they are, by whatever way: a new session, and on to consent or to their own page.
 * @param keep Keeps what the provider gave along, once it is sure that the person goes on.
 */
export async function proved(visit: Visit, person: Account, keep?: () => Promise<string>): Promise<Reply> {
  const { service, exchange, transaction, asking } = visit;
  const { provider } = person;
  const { expectedSub } = transaction.entry.value;
  if (expectedSub !== undefined && expectedSub !== person.sub) return refuseOther(visit, provider);
  const lock = await service.store.get(subjectStateKind, { id: person.sub });
  if (lock?.value.disabled) return refuseDisabled(visit, provider);
  const account = keep ? { ...person, login: await keep() } : person;
  const next = await advance(service, transaction, {
    stage: asking ? "consent" : "done",
    account,
    challenge: undefined,
    upstream: undefined,
  });
  const cookie = await beginSession(service, exchange, { ...account, createdAt: account.authTime });
  audit(service, exchange, "sign_in", { subject: account.sub, provider, ...(asking ? { client: asking.client.clientId } : {}) });
  if (!asking) return seeOther(ACCOUNT_PAGE, [cookie]);
  const signed: ClientVisit = { ...visit, transaction: next, asking };
  if (!(await mayBeSkipped(signed, account))) return seeOther(pathOf(next), [cookie]);
  const answer = await allow(signed, account);
  return { ...answer, headers: { ...answer.headers, "set-cookie": [cookie] } };
}

/** The client means one person: another may not go on in that name (OpenID Connect Core §3.1.2.1, id_token_hint). */
async function refuseOther(visit: Visit, provider: string): Promise<Reply> {
  failed(visit, "another_person", provider);
  return showSignIn(await forOtherAccount(visit), {
    problem: "The app asks for another account: the one that you used with it before.",
    status: 400,
  });
}

/** Who was switched off is told so here, rather than sent round the pages by a session that is none. */
async function refuseDisabled(visit: Visit, provider: string): Promise<Reply> {
  failed(visit, "disabled", provider);
  return showSignIn(await forOtherAccount(visit), {
    problem: "This account is switched off here. Ask whoever runs this service, or choose another one.",
    status: 403,
  });
}

/** Back to the first page, where a provider will not take up its own session once more. */
export async function forOtherAccount(visit: Visit): Promise<Visit> {
  const { hints } = visit.transaction.entry.value;
  const change = { stage: "sign_in", challenge: undefined, loginHint: undefined, hints: { ...hints, ...OTHER_ACCOUNT } } as const;
  return { ...visit, transaction: await advance(visit.service, visit.transaction, change) };
}

/** @param provider Where somebody tried to sign in. */
export function failed({ service, exchange, asking }: Visit, reason: string, provider: string): void {
  audit(service, exchange, "sign_in_failed", { reason, provider, ...(asking ? { client: asking.client.clientId } : {}) });
}

function developmentHint({ service, exchange }: Visit): string | undefined {
  if (service.config.mail) return undefined;
  return mayShowCode(service, exchange)
    ? "Development: the next page shows the code."
    : "Development: the code is printed in the terminal.";
}

/** Only where nobody but this machine can see the page: a tunnel must not let the Internet in. */
export function mayShowCode({ config }: Service, exchange: Exchange): boolean {
  return !config.production && config.mail === undefined && config.publicUrlIsLoopback && exchange.loopback;
}
