import { type Exchange, HttpError, type Reply } from "../../shared/http/exchange.ts";
import { type Parameters, parametersOf, readForm } from "../../shared/http/form.ts";
import { redirectHost } from "../../shared/net/redirect-uri.ts";
import type { Service } from "../../shared/service.ts";
import { audit } from "../audit.ts";
import { seeOther, withQuery } from "../authorize/answer.ts";
import { asGet } from "../authorize/as-get.ts";
import type { Client } from "../clients/client.ts";
import { findIfUsable } from "../clients/clients.ts";
import { readIdTokenHint } from "../identity/id-token-hint.ts";
import { endSession, findSession, formTokenOf, isFormToken } from "../identity/sessions.ts";
import { onwardFrom, SIGNED_OUT, upstreamLogoutUrl } from "../identity/upstream/logout.ts";
import { endSessionPage } from "../pages/end-session.ts";
import { messagePage } from "../pages/message.ts";

const PATH = "/oauth/end_session";

/** Where a browser goes after the sign-out. */
interface Way {
  readonly clientId: string | undefined;
  readonly redirectUri: string | undefined;
  readonly state: string | undefined;
}

/**
 * RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0 §2): ends the browser's session, never an app's access. Who
 * sends an ID token of the very person who is signed in is believed; everyone else's browser is asked first.
 */
export async function handleEndSession(exchange: Exchange, service: Service): Promise<Reply> {
  if (exchange.method === "POST") return asGet(PATH, await readForm(exchange));
  if (exchange.method !== "GET") throw new HttpError(405, "Open this address in a browser.", { allow: "GET, POST" });
  const parameters = parametersOf(exchange.query);
  const session = await findSession(service, exchange);
  const hintText = parameters.get("id_token_hint");
  const hint = hintText === undefined ? undefined : await readIdTokenHint(service, hintText);
  const named = parameters.get("client_id");
  if (hint && named !== undefined && named !== hint.clientId) throw new HttpError(400, "client_id and id_token_hint name two clients.");
  // Nobody to sign out, and no reason to look anything up for a stranger.
  if (!session && !hint) return seeOther(SIGNED_OUT);
  const way = await wayOf(service, exchange, { ...wayIn(parameters), clientId: hint?.clientId ?? named });
  if (!session || session.sub === hint?.sub) return leave(service, exchange, way);
  return endSessionPage({
    account: session.email ?? session.name ?? session.sub,
    action: `${PATH}/confirm`,
    fields: { ...formOf(way), token: formTokenOf(service, exchange) },
    redirectHost: way.redirectUri && redirectHost(way.redirectUri),
  });
}

/** The person said yes on the page. @throws {HttpError} 403 for a form of another session. */
export async function handleEndSessionConfirmed(exchange: Exchange, service: Service): Promise<Reply> {
  const form = parametersOf(await readForm(exchange));
  if (!(await findSession(service, exchange))) return seeOther(SIGNED_OUT);
  if (!isFormToken(service, exchange, form.get("token")))
    throw new HttpError(403, "This page was opened before you last signed in. Reload it.");
  return leave(service, exchange, await wayOf(service, exchange, wayIn(form)));
}

/** What is said after a sign-out, unless the browser comes from its provider and has somewhere to go on to. */
export function handleSignedOut({ query }: Exchange, service: Service): Reply {
  const onward = onwardFrom(service, query.get("state"));
  if (onward !== undefined) return seeOther(onward);
  return messagePage({
    title: "You are signed out",
    message: "Apps that you allowed stay connected. To end what they may do, sign in to your account.",
    next: { path: "/account", words: "Go to your account" },
  });
}

async function leave(service: Service, exchange: Exchange, { redirectUri, state }: Way): Promise<Reply> {
  const { sub, provider, cookie } = await endSession(service, exchange);
  if (sub !== undefined) audit(service, exchange, "sign_out", { subject: sub, reason: "by_client" });
  const onward = redirectUri && (state === undefined ? redirectUri : withQuery(redirectUri, { state }));
  const upstream = provider === undefined ? undefined : await upstreamLogoutUrl(service, provider, onward);
  return seeOther(upstream ?? onward ?? SIGNED_OUT, [cookie]);
}

function wayIn(parameters: Parameters): Way {
  return {
    clientId: parameters.get("client_id"),
    redirectUri: parameters.get("post_logout_redirect_uri"),
    state: parameters.get("state"),
  };
}

/** By the names that {@link wayIn} reads. */
function formOf({ clientId, redirectUri, state }: Way): Readonly<Record<string, string | undefined>> {
  return { client_id: clientId, post_logout_redirect_uri: redirectUri, state };
}

/** The redirect stays only if its client registered that very address (§3); otherwise the browser stays here. */
async function wayOf(service: Service, { address }: Exchange, way: Way): Promise<Way> {
  const { clientId, redirectUri } = way;
  if (clientId === undefined || redirectUri === undefined) return { ...way, redirectUri: undefined };
  // Nobody stays signed in because an application's document is out of reach; and no document names such an address.
  const client = await findIfUsable(service, clientId, address);
  return client && registeredBy(client).includes(redirectUri) ? way : { ...way, redirectUri: undefined };
}

function registeredBy(client: Client): readonly string[] {
  return client.postLogoutRedirectUris ?? [];
}
