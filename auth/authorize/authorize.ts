import { randomToken, sha256 } from "../../shared/hash.ts";
import { type Exchange, HttpError, type Reply } from "../../shared/http/exchange.ts";
import { firstOf, readForm, repeatedNames } from "../../shared/http/form.ts";
import { isLoopbackRedirect, redirectHost } from "../../shared/net/redirect-uri.ts";
import type { Service } from "../../shared/service.ts";
import { isPreRegistered } from "../clients/client.ts";
import { admits } from "../identity/admission.ts";
import { cookieJar, findSession, type Session } from "../identity/sessions.ts";
import { LIFETIMES } from "../lifetimes.ts";
import { OAuthError } from "../oauth-error.ts";
import { errorPage } from "../pages/error.ts";
import { errorAnswer, seeOther } from "./answer.ts";
import { isRemembered } from "./consent-memory.ts";
import { allow } from "./decision.ts";
import { type AuthorizationRequest, authorizationRequestOf, type Recipient, recipientOf } from "./request.ts";
import { beginTransaction, openTransaction } from "./transaction.ts";

/**
 * The authorization endpoint (RFC 6749 §3.1): checks the request, binds it to the browser and leads to the pages.
 * A fault before client and redirect are proved is shown to the person; later ones go to the client.
 */
export async function handleAuthorize(exchange: Exchange, service: Service): Promise<Reply> {
  // OpenID Connect Core §3.1.2.1 asks for POST too. Across sites it comes without our cookies, so it becomes a GET.
  if (exchange.method === "POST") return asGet(await readForm(exchange));
  if (exchange.method !== "GET") throw new HttpError(405, "Open this address in a browser.", { allow: "GET, POST" });
  const parameters = firstOf(exchange.query);
  const repeated = repeatedNames(exchange.query);
  if (RECIPIENT.some((name) => repeated.has(name))) throw new HttpError(400, "The request names its sender or its return address twice.");
  const recipient = await recipientOf(parameters, service);
  exchange.note({ client: recipient.client.clientId });
  try {
    checkRepeated(repeated);
    return await begin(authorizationRequestOf(parameters, recipient, service), recipient, exchange, service);
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    exchange.note({ refused: error.code });
    return answerEarly(error, recipient, exchange, service);
  }
}

/** What an answer depends on: a doubt about it is told to the person. */
const RECIPIENT = ["client_id", "redirect_uri", "state"];
/** Bytes: more does not fit into the line of a GET. */
const MAX_REQUEST = 8_000;

function asGet(form: URLSearchParams): Reply {
  const query = form.toString();
  if (query.length > MAX_REQUEST) throw new HttpError(413, `The authorization request is longer than ${MAX_REQUEST} bytes.`);
  return seeOther(`/oauth/authorize?${query}`);
}

/** RFC 6749 §3.1; RFC 8707 §2 allows several resources, of which we grant one at a time. */
function checkRepeated(names: ReadonlySet<string>): void {
  if (names.has("resource")) throw new OAuthError("invalid_target", "Ask for one resource at a time.");
  const [name] = names;
  if (name !== undefined) throw new OAuthError("invalid_request", `The parameter ${name.slice(0, 50)} is there more than once.`);
}

async function begin(request: AuthorizationRequest, recipient: Recipient, exchange: Exchange, service: Service): Promise<Reply> {
  const { client, redirectUri, state } = recipient;
  const jar = cookieJar(service);
  const browser = jar.read(exchange, "browser") ?? randomToken();
  const session = usable(await findSession(service, exchange), request, service);
  const silent = request.prompt.includes("none");
  if (!session && silent) throw new OAuthError("login_required", "Nobody is signed in.");
  const consentAsked = request.prompt.includes("consent");
  const remembered = session && !consentAsked && (await isRemembered(service, session.sub, client, redirectUri, request));
  if (silent && !remembered) {
    throw new OAuthError("consent_required", "The person must be asked.");
  }
  const id = await beginTransaction(service, {
    clientId: client.clientId,
    redirectUri,
    state,
    scopes: [...request.scopes],
    resource: request.resource,
    codeChallenge: request.codeChallenge,
    nonce: request.nonce,
    loginHint: request.loginHint,
    consentAsked,
    browser: sha256(browser),
    salt: randomToken(),
    stage: session ? "consent" : "sign_in",
    codesAsked: 0,
    ...(session ? { account: accountOf(session) } : {}),
  });
  if (session && remembered) return allow(service, await openTransaction(service, id, browser), accountOf(session), client);
  return seeOther(`/oauth/interaction/${id}`, [jar.write("browser", browser, LIFETIMES.browserCookie / 1000)]);
}

/** A session counts when the request does not ask for a new sign-in, it is young enough and its person may still enter. */
function usable(session: Session | undefined, { prompt, maxAge }: AuthorizationRequest, { clock, config }: Service): Session | undefined {
  if (!session || prompt.includes("login") || prompt.includes("select_account")) return undefined;
  if (maxAge !== undefined && clock() - session.authTime > maxAge * 1000) return undefined;
  return admits(config, session) ? session : undefined;
}

function accountOf({ sub, authTime, email, emailVerified, name }: Session) {
  return { sub, authTime, email, emailVerified, name };
}

/**
 * Before anyone has signed in, only clients that an operator vouches for, and this machine itself, are sent an error:
 * open registration must not make an open redirector (RFC 9700 §4.11.2).
 */
function answerEarly(error: OAuthError, { client, redirectUri, state }: Recipient, exchange: Exchange, service: Service): Reply {
  const location = errorAnswer(service, { redirectUri, state }, error);
  if (isPreRegistered(client) || isLoopbackRedirect(redirectUri)) return seeOther(location);
  const link = { href: location, host: redirectHost(redirectUri) };
  return errorPage({ status: 400, title: "The application's request cannot go on", message: error.message, requestId: exchange.id, link });
}
