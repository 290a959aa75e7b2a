import { sha256 } from "../../shared/hash.ts";
import { HttpError, type Reply } from "../../shared/http/exchange.ts";
import type { Service } from "../../shared/service.ts";
import { type Grant, grantKind } from "../../shared/state/records.ts";
import type { Client } from "../clients/client.ts";
import { keyOf } from "../grants/grants.ts";
import { formatCode } from "../grants/handles.ts";
import { limitGrants } from "../grants/limit-grants.ts";
import { permittedScopes } from "../identity/admission.ts";
import { LIFETIMES } from "../lifetimes.ts";
import { OAuthError } from "../oauth-error.ts";
import { codeAnswer, errorAnswer, seeOther } from "./answer.ts";
import { remember } from "./consent-memory.ts";
import { type Account, derive, type OpenTransaction, settle } from "./transaction.ts";

/**
 * The person said yes: a pending grant and a code that leads to it. Saying it twice gives the same answer, because
 * grant and code are derived from the transaction, for as long as a code lives.
 * @param account Who said it: what the page showed.
 */
export async function allow(service: Service, transaction: OpenTransaction, account: Account, client: Client): Promise<Reply> {
  const scopes = permittedScopes(service.config, transaction.entry.value.scopes);
  if (scopes.length === 0) return deny(service, transaction, account);
  const allowed = await settle(service, transaction, account, "allowed");
  const { redirectUri, state, resource, outcome, decidedAt = 0 } = allowed.entry.value;
  if (outcome === "denied") return deny(service, allowed, account);
  const codeExpiresAt = decidedAt + LIFETIMES.code;
  if (codeExpiresAt <= service.clock())
    throw new HttpError(410, "This was allowed a while ago. Go back to the application and connect again.");
  const handle = { subject: account.sub, grantId: derive(allowed, `grant ${account.sub}`).slice(0, 22) };
  const code = formatCode(handle, derive(allowed, `code ${account.sub}`));
  const grant = pendingGrant(service, allowed, account, scopes, code);
  // False is a doubled Allow: the grant is there already, perhaps redeemed by now.
  if (await service.store.create(grantKind, keyOf(handle), grant, codeExpiresAt)) {
    await remember(service, account.sub, client, redirectUri, { scopes, resource });
    await limitGrants(service, account.sub, client.clientId);
    service.log.info({ event: "consent_given", client: client.clientId, grant: handle.grantId, scopes }, "security");
  }
  return seeOther(codeAnswer(service, { redirectUri, state }, code));
}

/** The person said no (or may grant nothing of what is asked). */
export async function deny(service: Service, transaction: OpenTransaction, account: Account): Promise<Reply> {
  const denied = await settle(service, transaction, account, "denied");
  const { clientId, redirectUri, state, outcome } = denied.entry.value;
  if (outcome === "allowed") throw new HttpError(409, "Access was allowed a moment ago, in this window or another.");
  service.log.info({ event: "consent_refused", client: clientId }, "security");
  return seeOther(errorAnswer(service, { redirectUri, state }, new OAuthError("access_denied", "Access was not allowed.")));
}

function pendingGrant(service: Service, { entry }: OpenTransaction, account: Account, scopes: string[], code: string): Grant {
  const { clientId, redirectUri, resource, codeChallenge, nonce } = entry.value;
  const now = service.clock();
  return {
    state: "pending",
    clientId,
    redirectUri,
    scopes,
    resource,
    profile: { email: account.email, emailVerified: account.emailVerified, name: account.name },
    authTime: account.authTime,
    nonce,
    createdAt: now,
    absoluteExpiresAt: now + LIFETIMES.refreshAbsolute,
    codeHash: sha256(code),
    codeChallenge,
    deadJtis: [],
  };
}
