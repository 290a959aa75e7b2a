import { sha256 } from "../../shared/hash.ts";
import { HttpError, type Reply } from "../../shared/http/exchange.ts";
import { type Grant, grantKind } from "../../shared/state/records.ts";
import { audit } from "../audit.ts";
import { keyOf } from "../grants/grants.ts";
import { formatCode } from "../grants/handles.ts";
import { limitGrants } from "../grants/limit-grants.ts";
import { permittedScopes } from "../identity/admission.ts";
import { EMAIL } from "../identity/upstream/choices.ts";
import { lifetimes } from "../lifetimes.ts";
import { OAuthError } from "../oauth-error.ts";
import { codeAnswer, errorAnswer, seeOther } from "./answer.ts";
import { remember } from "./consent-memory.ts";
import { type Account, derive, settle } from "./transaction.ts";
import type { ClientVisit } from "./visit.ts";

/**
 * The person said yes: a pending grant and a code that leads to it. Saying it twice gives the same answer, because
 * grant and code are derived from the transaction, for as long as a code lives.
 * @param account Who said it: what the page showed.
 */
export async function allow(visit: ClientVisit, account: Account): Promise<Reply> {
  const { service, exchange, asking } = visit;
  const { client, request } = asking;
  const { redirectUri, resource } = request;
  const scopes = permittedScopes(service.config, request.scopes, account.groups);
  if (scopes.length === 0) return deny(visit, account);
  const allowed = await settle(service, visit.transaction, account, "allowed");
  const { outcome, decidedAt = 0 } = allowed.entry.value;
  if (outcome === "denied") return deny({ ...visit, transaction: allowed }, account);
  const codeExpiresAt = decidedAt + lifetimes(service).code;
  if (codeExpiresAt <= service.clock())
    throw new HttpError(410, "This was allowed a while ago. Go back to the application and connect again.");
  const handle = { subject: account.sub, grantId: derive(allowed, `grant ${account.sub}`).slice(0, 22) };
  const code = formatCode(handle, derive(allowed, `code ${account.sub}`));
  // False is a doubled Allow: the grant is there already, perhaps redeemed by now.
  if (await service.store.create(grantKind, keyOf(handle), pendingGrant(visit, account, scopes, code), codeExpiresAt)) {
    await remember(service, account.sub, client, redirectUri, { scopes, resource });
    await limitGrants(service, account.sub, client.clientId, exchange);
    audit(service, exchange, "consent", { client: client.clientId, subject: account.sub, grant: handle.grantId, scopes, resource });
  }
  return seeOther(codeAnswer(service, request, code));
}

/** The person said no (or may grant nothing of what is asked). */
export async function deny({ service, exchange, transaction, asking }: ClientVisit, account: Account): Promise<Reply> {
  const denied = await settle(service, transaction, account, "denied");
  if (denied.entry.value.outcome === "allowed") throw new HttpError(409, "Access was allowed a moment ago, in this window or another.");
  audit(service, exchange, "consent_denied", { client: asking.client.clientId, subject: account.sub });
  return seeOther(errorAnswer(service, asking.request, new OAuthError("access_denied", "Access was not allowed.")));
}

function pendingGrant({ service, asking }: ClientVisit, account: Account, scopes: string[], code: string): Grant {
  const { clientId, redirectUri, resource, codeChallenge, nonce } = asking.request;
  const now = service.clock();
  return {
    state: "pending",
    clientId,
    redirectUri,
    scopes,
    resource,
    profile: { email: account.email, emailVerified: account.emailVerified, name: account.name },
    ...(account.provider === EMAIL ? {} : { upstream: { provider: account.provider, login: account.login, groups: account.groups } }),
    authTime: account.authTime,
    nonce,
    createdAt: now,
    absoluteExpiresAt: now + lifetimes(service).refreshAbsolute,
    codeHash: sha256(code),
    codeChallenge,
    deadJtis: [],
  };
}
