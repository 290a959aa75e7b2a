import { type Exchange, HttpError, type Reply } from "../../shared/http/exchange.ts";
import { firstOf, type Parameters, readForm, repeatedNames } from "../../shared/http/form.ts";
import { isLoopbackRedirect, redirectHost } from "../../shared/net/redirect-uri.ts";
import type { Service } from "../../shared/service.ts";
import { audit, noteRefusal } from "../audit.ts";
import { type Client, isPreRegistered } from "../clients/client.ts";
import { admits } from "../identity/admission.ts";
import { readIdTokenHint } from "../identity/id-token-hint.ts";
import { findSession, type Session } from "../identity/sessions.ts";
import { choicesFor, EMAIL, isOffered, onlyProvider } from "../identity/upstream/choices.ts";
import { checkUpstream, type Vouched } from "../identity/upstream/standing.ts";
import { OAuthError } from "../oauth-error.ts";
import { errorPage } from "../pages/error.ts";
import { errorAnswer, seeOther } from "./answer.ts";
import { asGet } from "./as-get.ts";
import { beginInBrowser, limitVisits } from "./browser.ts";
import { isRemembered } from "./consent-memory.ts";
import { allow } from "./decision.ts";
import { type AuthorizationRequest, authorizationRequestOf, type Recipient, recipientOf } from "./request.ts";
import { type Account, openTransaction } from "./transaction.ts";
import { sendUpstream } from "./upstream.ts";
import { pathOf } from "./visit.ts";

/**
 * The authorization endpoint (RFC 6749 §3.1): checks the request, binds it to the browser and leads to the pages.
 * A fault before client and redirect are proved is shown to the person; later ones go to the client.
 */
export async function handleAuthorize(exchange: Exchange, service: Service): Promise<Reply> {
  // OpenID Connect Core §3.1.2.1 asks for POST too.
  if (exchange.method === "POST") return asGet("/oauth/authorize", await readForm(exchange));
  if (exchange.method !== "GET") throw new HttpError(405, "Open this address in a browser.", { allow: "GET, POST" });
  const parameters = firstOf(exchange.query);
  const repeated = repeatedNames(exchange.query);
  if (RECIPIENT.some((name) => repeated.has(name))) throw new HttpError(400, "The request names its sender or its return address twice.");
  await limitVisits(service, exchange);
  const recipient = await provedRecipient(parameters, exchange, service);
  exchange.note({ client: recipient.client.clientId });
  try {
    checkRepeated(repeated);
    return await begin(authorizationRequestOf(parameters, recipient, service), recipient, exchange, service);
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    noteRefusal(exchange, error);
    audit(service, exchange, "refusal", { client: recipient.client.clientId, reason: error.code });
    return answerEarly(error, recipient, exchange, service);
  }
}

/** What an answer depends on: a doubt about it is told to the person. */
const RECIPIENT = ["client_id", "redirect_uri", "state"];
async function provedRecipient(parameters: Parameters, exchange: Exchange, service: Service): Promise<Recipient> {
  try {
    return await recipientOf(parameters, exchange.address, service);
  } catch (error) {
    if (error instanceof OAuthError) {
      audit(service, exchange, "refusal", { client: parameters.get("client_id") ?? "", reason: "unproved_recipient" });
    }
    throw error;
  }
}

/** RFC 6749 §3.1; RFC 8707 §2 allows several resources, of which we grant one at a time. */
function checkRepeated(names: ReadonlySet<string>): void {
  if (names.has("resource")) throw new OAuthError("invalid_target", "Ask for one resource at a time.");
  const [name] = names;
  if (name !== undefined) throw new OAuthError("invalid_request", `The parameter ${name.slice(0, 50)} is there more than once.`);
}

async function begin(request: AuthorizationRequest, recipient: Recipient, exchange: Exchange, service: Service): Promise<Reply> {
  const { client, redirectUri, state } = recipient;
  const expectedSub = await personMeant(request, client, service);
  const session = await usable(await findSession(service, exchange), request, client, expectedSub, exchange, service);
  const silent = request.prompt.includes("none");
  if (!session && silent) throw new OAuthError("login_required", "Nobody is signed in, or not the one who is meant.");
  const consentAsked = request.prompt.includes("consent");
  const remembered =
    session && !consentAsked && (await isRemembered(service, session.sub, client, redirectUri, { ...request, groups: session.groups }));
  if (silent && !remembered) throw new OAuthError("consent_required", "The person must be asked.");
  const account = session && accountOf(session);
  const asked = {
    clientId: client.clientId,
    redirectUri,
    state,
    scopes: [...request.scopes],
    resource: request.resource,
    codeChallenge: request.codeChallenge,
    nonce: request.nonce,
    consentAsked,
  };
  const { id, browser, cookies } = await beginInBrowser(service, exchange, {
    request: asked,
    loginHint: request.loginHint,
    hints: {
      prompt: request.prompt.filter((prompt) => prompt === "login" || prompt === "select_account"),
      maxAge: request.maxAge,
      acrValues: request.acrValues,
    },
    expectedSub,
    account,
  });
  const straight = client.trusted ? onlyProvider(choicesFor(service.config, client.clientId)) : undefined;
  const page = seeOther(pathOf({ id }), cookies);
  if (account ? !remembered : !straight) return page;
  const visit = { service, exchange, transaction: await openTransaction(service, id, [browser]), asking: { client, request: asked } };
  if (account) return allow(visit, account);
  const sent = straight ? await sendUpstream(visit, straight.id, request.loginHint) : page;
  return { ...sent, headers: { ...sent.headers, "set-cookie": cookies } };
}

/**
 * Whom the client means by its id_token_hint. What is no ID token of ours for this client is left out, unless it decides:
 * without a page nobody can tell whether the right person is signed in.
 * @throws {OAuthError} `login_required`.
 */
async function personMeant({ idTokenHint, prompt }: AuthorizationRequest, client: Client, service: Service): Promise<string | undefined> {
  if (idTokenHint === undefined) return undefined;
  const hint = await readIdTokenHint(service, idTokenHint);
  if (hint?.clientId === client.clientId) return hint.sub;
  if (prompt.includes("none")) throw new OAuthError("login_required", "id_token_hint is not an ID token of this service for this client.");
  return undefined;
}

/**
 * A session counts when the request does not ask for a new sign-in, it is young enough, its person is meant, signed in
 * where the client's people do, and may still enter there and here.
 */
async function usable(
  session: Session | undefined,
  { prompt, maxAge }: AuthorizationRequest,
  client: Client,
  expectedSub: string | undefined,
  exchange: Exchange,
  service: Service,
): Promise<Session | undefined> {
  const { clock, config } = service;
  if (!session || prompt.includes("login") || prompt.includes("select_account")) return undefined;
  // OpenID Connect Core §3.1.2.1: 0 asks for a new sign-in, however young the last one is.
  if (maxAge !== undefined && (maxAge === 0 || clock() - session.authTime > maxAge * 1000)) return undefined;
  if (expectedSub !== undefined && session.sub !== expectedSub) return undefined;
  if (!isOffered(choicesFor(config, client.clientId), session.provider)) return undefined;
  const standing = await checkUpstream(service, exchange, vouchedFor(session));
  if (standing.state !== "stands" || !admits(config, standing.profile, standing.groups)) return undefined;
  const { email, emailVerified, name } = standing.profile;
  return { ...session, email, emailVerified, name, groups: [...standing.groups] };
}

function vouchedFor({ sub, provider, login, groups, email, emailVerified, name, createdAt }: Session): Vouched {
  const upstream = provider === EMAIL ? undefined : { provider, login, groups };
  return { subject: sub, upstream, profile: { email, emailVerified, name }, since: createdAt };
}

function accountOf({ sub, provider, authTime, email, emailVerified, name, groups, login }: Session): Account {
  return { sub, provider, authTime, email, emailVerified, name, groups, login };
}

/**
 * Before anyone has signed in, only clients that an operator vouches for, and this machine itself, are sent an error:
 * open registration must not make an open redirector (RFC 9700 §4.11.2).
 */
function answerEarly(error: OAuthError, { client, redirectUri, state }: Recipient, exchange: Exchange, service: Service): Reply {
  const location = errorAnswer(service, { redirectUri, state }, error);
  // Consent is missed only where somebody is signed in.
  const signedIn = error.code === "consent_required";
  if (signedIn || isPreRegistered(client) || isLoopbackRedirect(redirectUri)) return seeOther(location);
  const link = { href: location, host: redirectHost(redirectUri) };
  return errorPage({ status: 400, title: "The application's request cannot go on", message: error.message, requestId: exchange.id, link });
}
