import { sameDigest } from "../../shared/hash.ts";
import { type Exchange, HttpError, type Reply } from "../../shared/http/exchange.ts";
import { type Parameters, parametersOf, readForm } from "../../shared/http/form.ts";
import { isLoopbackRedirect, isRegistered, redirectHost } from "../../shared/net/redirect-uri.ts";
import type { Service } from "../../shared/service.ts";
import { type Client, isPreRegistered } from "../clients/client.ts";
import { createClients } from "../clients/clients.ts";
import { permittedScopes } from "../identity/admission.ts";
import { askForCode, checkCode, displayCode, normalizeEmail } from "../identity/email-code.ts";
import { beginSession, cookieJar, endSession, findSession } from "../identity/sessions.ts";
import { subjectOf } from "../identity/subjects.ts";
import { codePage } from "../pages/code.ts";
import { consentPage } from "../pages/consent.ts";
import { errorPage } from "../pages/error.ts";
import { signInPage } from "../pages/sign-in.ts";
import { wordsFor } from "../scopes.ts";
import { seeOther } from "./answer.ts";
import { isRemembered, rememberedScopes } from "./consent-memory.ts";
import { allow, deny } from "./decision.ts";
import { audiencesOf, UnprovedRecipient } from "./request.ts";
import { type Account, advance, derive, type OpenTransaction, openTransaction } from "./transaction.ts";

/** A transaction in its browser, with its client proved again: what every step needs. */
interface Visit {
  readonly service: Service;
  readonly exchange: Exchange;
  readonly transaction: OpenTransaction;
  readonly client: Client;
  /** The browser's secret. */
  readonly browser: string;
}

type Step = (visit: Visit, form: Parameters) => Promise<Reply>;

const STEPS: ReadonlyMap<string, Step> = new Map([
  ["email", askEmail],
  ["code", tryCode],
  ["restart", askAgain],
  ["consent", decide],
  ["switch", startOver],
]);

/** The page of whatever stage a transaction is in: safe to reload, and in as many tabs as one likes. */
export async function handleInteraction(exchange: Exchange, service: Service): Promise<Reply> {
  return showStage(await visitOf(exchange, service));
}

/** A posted form: one step on. */
export async function handleInteractionStep(exchange: Exchange, service: Service): Promise<Reply> {
  const step = STEPS.get(exchange.path.split("/")[4] ?? "");
  if (!step) throw new HttpError(404, "There is no such step.");
  const form = parametersOf(await readForm(exchange));
  return step(await visitOf(exchange, service), form);
}

async function visitOf(exchange: Exchange, service: Service): Promise<Visit> {
  const browser = cookieJar(service).read(exchange, "browser");
  const transaction = await openTransaction(service, exchange.path.split("/")[3] ?? "", browser);
  const { clientId, redirectUri } = transaction.entry.value;
  const client = await service.part(createClients).find(clientId);
  if (!client || !isRegistered(redirectUri, client.redirectUris, service.config.publicUrl)) {
    throw new UnprovedRecipient("invalid_client", "The application that sent you here is no longer registered.");
  }
  exchange.note({ client: clientId });
  return { service, exchange, transaction, client, browser: browser ?? "" };
}

async function showStage(visit: Visit): Promise<Reply> {
  const { stage } = visit.transaction.entry.value;
  if (stage === "sign_in") return showSignIn(visit, {});
  if (stage === "code") return showCode(visit, {});
  if (stage === "consent") return showConsent(visit);
  return errorPage({
    status: 200,
    title: "This is done",
    message: "You can close this window and go back to the application.",
    requestId: visit.exchange.id,
  });
}

async function askEmail(visit: Visit, form: Parameters): Promise<Reply> {
  const { transaction } = visit;
  if (!isBeforeSignIn(transaction)) return seeOther(pathOf(transaction));
  const typed = form.get("email") ?? "";
  const email = normalizeEmail(typed);
  if (email === undefined) return showSignIn(visit, { email: typed, fault: "Enter an e-mail address, such as ann@example.com." });
  return sendCode(visit, email);
}

/** A new code for the same address, or another address. */
async function askAgain(visit: Visit, form: Parameters): Promise<Reply> {
  const { stage, challenge } = visit.transaction.entry.value;
  if (stage === "code" && challenge && form.get("restart") === "resend") return sendCode(visit, challenge.email);
  return startOver(visit);
}

async function sendCode(visit: Visit, email: string): Promise<Reply> {
  const { transaction, code } = await askForCode(visit.service, visit.transaction, visit.browser, email);
  return showCode({ ...visit, transaction }, { code });
}

async function tryCode(visit: Visit, form: Parameters): Promise<Reply> {
  const { service, transaction, browser } = visit;
  const { challenge, stage } = transaction.entry.value;
  if (stage !== "code" || !challenge) return seeOther(pathOf(transaction));
  try {
    const right = await checkCode(service, transaction, browser, form.get("code") ?? "");
    if (!right) return showCode(visit, { fault: "That is not the code. Look again, or ask for a new one." });
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    return showCode(visit, { fault: error.message, status: error.status });
  }
  const now = service.clock();
  const sub = await subjectOf(service, "email", challenge.email);
  const account = { sub, authTime: now, email: challenge.email, emailVerified: true };
  const next = await advance(service, transaction, { stage: "consent", account, challenge: undefined });
  const cookie = await beginSession(service, { ...account, provider: "email", createdAt: now });
  service.log.info({ event: "signed_in", request: visit.exchange.id, subject: sub, provider: "email" }, "security");
  if (await mayBeSkipped({ ...visit, transaction: next })) {
    const answer = await allow(service, next, account, visit.client);
    return { ...answer, headers: { ...answer.headers, "set-cookie": [cookie] } };
  }
  return seeOther(pathOf(next), [cookie]);
}

/** Another address, or another account. */
async function startOver(visit: Visit): Promise<Reply> {
  const { service, exchange, transaction } = visit;
  if (transaction.entry.value.stage === "done") return seeOther(pathOf(transaction));
  const next = await advance(service, transaction, { stage: "sign_in", account: undefined, challenge: undefined, loginHint: undefined });
  return seeOther(pathOf(next), [await endSession(service, exchange)]);
}

/**
 * Only the account that the page showed decides, and only while it is signed in: an older tab, or a page that someone
 * left open before they signed out, releases nothing.
 */
async function decide(visit: Visit, form: Parameters): Promise<Reply> {
  const { service, exchange, transaction, client } = visit;
  const { account } = transaction.entry.value;
  if (isBeforeSignIn(transaction) || !account) return seeOther(pathOf(transaction));
  if (!sameDigest(form.get("shown") ?? "", proofOf(transaction, account))) {
    throw new HttpError(409, "The account was switched after this page was opened. Reload it to see who is signed in now.");
  }
  const session = await findSession(service, exchange);
  if (session?.sub !== account.sub || session.authTime !== account.authTime) return startOver(visit);
  const decision = form.get("decision");
  if (decision === "allow") return allow(service, transaction, account, client);
  if (decision === "deny") return deny(service, transaction, account);
  throw new HttpError(400, "The form says neither allow nor deny.");
}

/** Stands in the consent form: for which sign-in it was made. */
function proofOf(transaction: OpenTransaction, { sub, authTime }: Account): string {
  return derive(transaction, `consent ${sub} ${authTime}`);
}

function developmentHint({ service, exchange }: Visit): string | undefined {
  if (service.config.mail) return undefined;
  return mayShowCode(service, exchange)
    ? "Development: the next page shows the code."
    : "Development: the code is printed in the terminal.";
}

function showSignIn(visit: Visit, { email, fault }: { email?: string; fault?: string }): Reply {
  const { transaction, client } = visit;
  const { redirectUri, scopes, loginHint } = transaction.entry.value;
  return signInPage({
    client: viewOf(client, redirectUri),
    scopes: scopes.map((scope) => ({ scope, words: wordsFor(scope), isNew: false })),
    action: `${pathOf(transaction)}/email`,
    email: email ?? loginHint,
    fault,
    developmentHint: developmentHint(visit),
  });
}

interface CodeState {
  readonly code?: string | undefined;
  readonly fault?: string;
  readonly status?: number;
}

function showCode({ service, exchange, transaction, client }: Visit, { code, fault, status }: CodeState): Reply {
  const { challenge, redirectUri } = transaction.entry.value;
  const page = codePage({
    client: viewOf(client, redirectUri),
    action: `${pathOf(transaction)}/code`,
    email: challenge?.email ?? "",
    restartAction: `${pathOf(transaction)}/restart`,
    fault,
    developmentCode: code !== undefined && mayShowCode(service, exchange) ? displayCode(code) : undefined,
  });
  return status === undefined ? page : { ...page, status };
}

/** Only where nobody but this machine can see the page: a tunnel must not let the Internet in. */
function mayShowCode({ config }: Service, exchange: Exchange): boolean {
  return !config.production && config.mail === undefined && config.publicUrlIsLoopback && exchange.loopback;
}

async function showConsent({ service, transaction, client }: Visit): Promise<Reply> {
  const { account, redirectUri, resource, scopes } = transaction.entry.value;
  if (!account) throw new HttpError(409, "Sign in first.");
  const before = await rememberedScopes(service, account.sub, client, redirectUri, resource);
  return consentPage({
    client: viewOf(client, redirectUri),
    scopes: permittedScopes(service.config, scopes).map((scope) => ({
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

function mayBeSkipped({ service, transaction, client }: Visit): Promise<boolean> {
  const { account, consentAsked, redirectUri, scopes, resource } = transaction.entry.value;
  if (!account || consentAsked) return Promise.resolve(false);
  return isRemembered(service, account.sub, client, redirectUri, { scopes, resource });
}

function viewOf(client: Client, redirectUri: string) {
  return {
    name: client.name,
    clientId: client.clientId,
    redirectHost: redirectHost(redirectUri),
    verified: isPreRegistered(client),
    loopbackOnly: client.redirectUris.every(isLoopbackRedirect),
  };
}

function isBeforeSignIn({ entry }: OpenTransaction): boolean {
  return entry.value.stage === "sign_in" || entry.value.stage === "code";
}

function pathOf({ id }: OpenTransaction): string {
  return `/oauth/interaction/${id}`;
}
