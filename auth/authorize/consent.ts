import { sameDigest } from "../../shared/hash.ts";
import { HttpError, type Reply } from "../../shared/http/exchange.ts";
import type { Parameters } from "../../shared/http/form.ts";
import { audit } from "../audit.ts";
import { permittedScopes } from "../identity/admission.ts";
import { endSession, findSession } from "../identity/sessions.ts";
import { consentPage } from "../pages/consent.ts";
import { audiencesOf } from "../resources.ts";
import { wordsFor } from "../scopes.ts";
import { seeOther } from "./answer.ts";
import { allowedBefore, isRemembered } from "./consent-memory.ts";
import { allow, deny } from "./decision.ts";
import { type Account, advance, derive, type OpenTransaction } from "./transaction.ts";
import { type ClientVisit, pathOf, type Visit, viewOf } from "./visit.ts";

/** Shows who asks for what, and the account that would allow it. */
export async function showConsent({ service, transaction, asking }: ClientVisit): Promise<Reply> {
  const { account } = transaction.entry.value;
  const { client, request } = asking;
  const { redirectUri, resource, scopes } = request;
  if (!account) throw new HttpError(409, "Sign in first.");
  const before = await allowedBefore(service, account.sub, client, redirectUri, resource);
  return consentPage({
    client: viewOf(client, redirectUri),
    scopes: permittedScopes(service.config, scopes, account.groups).map((scope) => ({
      scope,
      words: wordsFor(scope),
      isNew: before.length > 0 && !before.includes(scope),
    })),
    account: account.email ?? account.name ?? account.sub,
    action: `${pathOf(transaction)}/consent`,
    shown: proofOf(transaction, account),
    switchAction: `${pathOf(transaction)}/switch`,
    surface: service.part(audiencesOf).surfaceOf(resource) ?? "mcp",
  });
}

/**
 * Only the account that the page showed decides, and only while it is signed in: an older tab, or a page that someone
 * left open before they signed out, releases nothing.
 */
export async function decide(visit: ClientVisit, form: Parameters): Promise<Reply> {
  const { service, exchange, transaction } = visit;
  const { account } = transaction.entry.value;
  if (isBeforeSignIn(transaction) || !account) return seeOther(pathOf(transaction));
  if (!sameDigest(form.get("shown") ?? "", proofOf(transaction, account))) {
    throw new HttpError(409, "The account was switched after this page was opened. Reload it to see who is signed in now.");
  }
  const session = await findSession(service, exchange);
  // The same person may have signed in again in another tab. Whoever else did stays signed in there.
  if (session?.sub !== account.sub || session.authTime < account.authTime) return toSignIn(visit);
  const decision = form.get("decision");
  if (decision === "allow") return allow(visit, account);
  if (decision === "deny") return deny(visit, account);
  throw new HttpError(400, "The form says neither allow nor deny.");
}

/** Signs out, for another account. */
export async function switchAccount(visit: ClientVisit): Promise<Reply> {
  const { service, exchange, transaction } = visit;
  if (transaction.entry.value.stage === "done") return seeOther(pathOf(transaction));
  const { sub, cookie } = await endSession(service, exchange);
  if (sub !== undefined) audit(service, exchange, "sign_out", { subject: sub, reason: "account_switched" });
  const { hints } = transaction.entry.value;
  const next = await advance(service, transaction, { hints: { ...hints, ...OTHER_ACCOUNT } });
  return toSignIn({ ...visit, transaction: next }, [cookie]);
}

/** Has a provider ask who it is, instead of taking up its own session. */
export const OTHER_ACCOUNT = { prompt: ["select_account"] };

/** Back to the question who it is. */
export async function toSignIn({ service, transaction }: Visit, cookies: readonly string[] = []): Promise<Reply> {
  if (transaction.entry.value.stage === "done") return seeOther(pathOf(transaction), cookies);
  const next = await advance(service, transaction, { stage: "sign_in", account: undefined, challenge: undefined, loginHint: undefined });
  return seeOther(pathOf(next), cookies);
}

/** Whether this person has allowed all of it before, to a client that is remembered. */
export function mayBeSkipped({ service, asking }: ClientVisit, account: Account): Promise<boolean> {
  const { client, request } = asking;
  if (request.consentAsked) return Promise.resolve(false);
  return isRemembered(service, account.sub, client, request.redirectUri, { ...request, groups: account.groups });
}

export function isBeforeSignIn({ entry }: OpenTransaction): boolean {
  return entry.value.stage === "sign_in" || entry.value.stage === "code";
}

/** Stands in the consent form: for which sign-in it was made. */
function proofOf(transaction: OpenTransaction, { sub, authTime }: Account): string {
  return derive(transaction, `consent ${sub} ${authTime}`);
}
