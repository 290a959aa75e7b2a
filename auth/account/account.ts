import { type Exchange, HttpError, type Reply } from "../../shared/http/exchange.ts";
import { type Parameters, parametersOf, readForm } from "../../shared/http/form.ts";
import { redirectHost } from "../../shared/net/redirect-uri.ts";
import type { Service } from "../../shared/service.ts";
import { audit } from "../audit.ts";
import { seeOther } from "../authorize/answer.ts";
import { beginInBrowser, limitVisits } from "../authorize/browser.ts";
import { pathOf, viewOf } from "../authorize/visit.ts";
import { findIfUsable } from "../clients/clients.ts";
import { endSession, findSession, formTokenOf, isFormToken, type Session } from "../identity/sessions.ts";
import { SIGNED_OUT, upstreamLogoutUrl } from "../identity/upstream/logout.ts";
import { accountPage, type ConnectionView, NOTICES, type NoticeName } from "../pages/account.ts";
import { wordsFor } from "../scopes.ts";
import { type Connection, connectionsOf, disconnect, signOutEverywhere } from "./connections.ts";

const PATH = "/account";

type Step = (service: Service, exchange: Exchange, session: Session, form: Parameters) => Promise<Reply>;

const STEPS: ReadonlyMap<string, Step> = new Map<string, Step>([
  ["disconnect", disconnectOne],
  ["disconnect-all", disconnectAll],
  ["sign-out", signOut],
  ["sign-out-everywhere", leaveEverywhere],
]);

/** A person's own page: the connected apps, and ways out. Whoever is not signed in is asked to, without any client. */
export async function handleAccount(exchange: Exchange, service: Service): Promise<Reply> {
  const session = await findSession(service, exchange);
  if (!session) return signInFirst(exchange, service);
  const connections = await connectionsOf(service, session.sub);
  return accountPage({
    account: session.email ?? session.name ?? session.sub,
    connections: await Promise.all(connections.map((connection) => connectionView(service, exchange, connection))),
    action: PATH,
    token: formTokenOf(service, exchange),
    notice: noticeOf(exchange.query.get("done")),
  });
}

/**
 * A posted form of the page. Only our own pages post it, from the very session it was made for.
 * @throws {HttpError} 403 for a form of another session.
 */
export async function handleAccountStep(exchange: Exchange, service: Service): Promise<Reply> {
  const step = STEPS.get(exchange.path.split("/")[2] ?? "");
  if (!step) throw new HttpError(404, "There is no such step.");
  const form = parametersOf(await readForm(exchange));
  const session = await findSession(service, exchange);
  if (!session) return seeOther(PATH);
  if (!isFormToken(service, exchange, form.get("token"))) {
    throw new HttpError(403, "This page was opened before you last signed in. Go back, reload it and try again.");
  }
  exchange.note({ subject: session.sub });
  return step(service, exchange, session, form);
}

async function signInFirst(exchange: Exchange, service: Service): Promise<Reply> {
  await limitVisits(service, exchange);
  const { id, cookies } = await beginInBrowser(service, exchange, {});
  return seeOther(pathOf({ id }), cookies);
}

async function disconnectOne(service: Service, exchange: Exchange, { sub }: Session, form: Parameters): Promise<Reply> {
  const clientId = form.get("client_id");
  if (clientId === undefined) throw new HttpError(400, "The form names no app.");
  await disconnect(service, exchange, sub, clientId);
  return done("disconnected");
}

async function disconnectAll(service: Service, exchange: Exchange, { sub }: Session): Promise<Reply> {
  await disconnect(service, exchange, sub);
  return done("all-disconnected");
}

async function signOut(service: Service, exchange: Exchange, { sub, provider }: Session): Promise<Reply> {
  const { cookie } = await endSession(service, exchange);
  audit(service, exchange, "sign_out", { subject: sub });
  return seeOther((await upstreamLogoutUrl(service, provider)) ?? SIGNED_OUT, [cookie]);
}

async function leaveEverywhere(service: Service, exchange: Exchange, { sub, provider }: Session): Promise<Reply> {
  await signOutEverywhere(service, exchange, sub);
  const { cookie } = await endSession(service, exchange);
  return seeOther((await upstreamLogoutUrl(service, provider)) ?? SIGNED_OUT, [cookie]);
}

function done(name: NoticeName): Reply {
  return seeOther(`${PATH}?done=${name}`);
}

function noticeOf(name: string | null): NoticeName | undefined {
  return name !== null && Object.hasOwn(NOTICES, name) ? (name as NoticeName) : undefined;
}

async function connectionView(service: Service, exchange: Exchange, connection: Connection): Promise<ConnectionView> {
  const { clientId, redirectUri, scopes } = connection;
  // One that is gone, disabled or out of reach can be disconnected all the same.
  const client = await findIfUsable(service, clientId, exchange.address);
  return {
    ...connection,
    client: client
      ? viewOf(client, redirectUri)
      : { name: undefined, clientId, redirectHost: redirectHost(redirectUri), verified: false, loopbackOnly: false },
    scopes: scopes.map((scope) => ({ scope, words: wordsFor(scope), isNew: false })),
  };
}
