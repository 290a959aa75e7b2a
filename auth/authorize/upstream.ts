import { randomToken, sameDigest, sha256 } from "../../shared/hash.ts";
import { type Exchange, HttpError, type Reply } from "../../shared/http/exchange.ts";
import { type Parameters, repeatedNames } from "../../shared/http/form.ts";
import type { Service } from "../../shared/service.ts";
import { SealError } from "../../shared/state/seal.ts";
import { admits } from "../identity/admission.ts";
import { subjectOf } from "../identity/subjects.ts";
import { choicesFor } from "../identity/upstream/choices.ts";
import { UpstreamFault } from "../identity/upstream/fault.ts";
import { keepLogin, plainIssuer } from "../identity/upstream/login.ts";
import { createProviders, type Provider } from "../identity/upstream/provider.ts";
import { upstreamUrl, youngest } from "../identity/upstream/request.ts";
import { CLOCK_TOLERANCE, redeemUpstreamCode, type UpstreamSignIn } from "../identity/upstream/tokens.ts";
import { seeOther } from "./answer.ts";
import { isBeforeSignIn } from "./consent.ts";
import { failed, forOtherAccount, proved, showSignIn } from "./sign-in.ts";
import { advance, derive, type OpenTransaction, type Transaction } from "./transaction.ts";
import { pathOf, type Visit, visitOf } from "./visit.ts";

/** The parameters of an answer that mean something here; providers add others (RFC 6749 §4.1.2, RFC 9207 §2). */
const ANSWER = ["code", "state", "iss", "error"] as const;
const STATE = "upstream state";

/** A provider's button on the sign-in page. */
export async function chooseProvider(visit: Visit, form: Parameters): Promise<Reply> {
  const { service, transaction, asking } = visit;
  if (!isBeforeSignIn(transaction)) return seeOther(pathOf(transaction));
  const { listed } = choicesFor(service.config, asking?.client.clientId);
  const chosen = listed.find(({ id }) => id === form.get("provider"));
  if (!chosen) throw new HttpError(400, "The form names no provider that is offered here.");
  return sendUpstream(visit, chosen.id, transaction.entry.value.loginHint);
}

/**
 * Sends a browser to a provider. Only after its person posted a page that names the client, or for a client that the
 * operator trusts. The state leads back to the transaction; it is sealed, so that the provider learns nothing by it.
 */
export async function sendUpstream(visit: Visit, providerId: string, loginHint: string | undefined): Promise<Reply> {
  const { service, transaction } = visit;
  const { hints = {} } = transaction.entry.value;
  const provider = providerOf(service, providerId);
  const secret = randomToken(16);
  const state = service.sealer.seal(STATE, JSON.stringify([transaction.id, secret]));
  try {
    const location = await upstreamUrl(provider, { state, ...secretsFor(transaction, secret), loginHint, hints });
    const sent = { provider: providerId, state: sha256(secret), sentAt: service.clock() };
    await advance(service, transaction, { stage: "sign_in", challenge: undefined, upstream: sent });
    return seeOther(location);
  } catch (error) {
    if (error instanceof UpstreamFault) return showFault(visit, provider, error);
    throw error;
  }
}

/**
 * What a provider sends a browser back with. It counts once, in the browser that was sent there, at that provider's own
 * address (RFC 9700 §4.4.2); whatever else comes changes nothing.
 */
export async function handleUpstreamCallback(exchange: Exchange, service: Service): Promise<Reply> {
  if (exchange.method !== "GET") throw new HttpError(405, "A provider sends browsers here with GET.", { allow: "GET" });
  const repeated = repeatedNames(exchange.query);
  if (ANSWER.some((name) => repeated.has(name))) throw new HttpError(400, "The answer says something twice.");
  const { id, secret } = openState(service, exchange.query.get("state"));
  const visit = await visitOf(exchange, service, id);
  const { upstream } = visit.transaction.entry.value;
  const provider = providerOf(service, exchange.path.split("/")[3] ?? "");
  // A reload, the back button, or a way to sign in that was begun later.
  const isAwaited = upstream && isBeforeSignIn(visit.transaction) && sameDigest(sha256(secret), upstream.state);
  if (!isAwaited) return seeOther(pathOf(visit.transaction));
  if (upstream.provider !== provider.upstream.id) {
    failed(visit, "mix_up", provider.upstream.id);
    return seeOther(pathOf(visit.transaction));
  }
  const transaction = await advance(service, visit.transaction, { upstream: undefined });
  const taken = { ...visit, transaction };
  try {
    const parameters = new URLSearchParams(ANSWER.flatMap((name) => pairOf(exchange.query, name)));
    parameters.delete("state");
    const signIn = await redeemUpstreamCode(service, provider, { parameters, ...secretsFor(transaction, secret) });
    checkAge(provider, transaction.entry.value, upstream.sentAt, signIn.authTime);
    return await enter(taken, provider, signIn);
  } catch (error) {
    if (error instanceof UpstreamFault) return showFault(taken, provider, error);
    throw error;
  }
}

async function enter(visit: Visit, { upstream }: Provider, { person, refreshToken }: UpstreamSignIn): Promise<Reply> {
  const { service } = visit;
  const { profile, groups } = person;
  if (!admits(service.config, profile, groups)) {
    failed(visit, "not_admitted", upstream.id);
    return showSignIn(await forOtherAccount(visit), { problem: "This account may not enter here. Choose another one.", status: 403 });
  }
  const sub = await subjectOf(service, `${upstream.id} ${plainIssuer(upstream.issuer)}`, person.subject);
  const account = { sub, provider: upstream.id, authTime: service.clock(), ...profile, groups: [...groups] };
  if (refreshToken === undefined) return proved(visit, account);
  return proved(visit, account, () => keepLogin(service, sub, upstream, person, refreshToken));
}

/**
 * Providers need not heed max_age. Where the operator wants it, one that does not say when its person signed in is not
 * believed; a client's wish holds as far as the provider says.
 * @throws {UpstreamFault}
 */
function checkAge({ upstream }: Provider, { hints }: Transaction, sentAt: number, authTime: number | undefined): void {
  const seconds = youngest(upstream.maxAge, hints?.maxAge);
  if (seconds === undefined) return;
  if (authTime === undefined) {
    if (upstream.maxAge !== undefined) throw new UpstreamFault("refused", "no_auth_time");
    return;
  }
  if (authTime < sentAt - (Number(seconds) + CLOCK_TOLERANCE) * 1000) throw new UpstreamFault("refused", "too_old");
}

function showFault(visit: Visit, { upstream }: Provider, fault: UpstreamFault): Reply {
  const { service, exchange } = visit;
  failed(visit, fault.reason, upstream.id);
  service.log.warn(
    { request: exchange.id, provider: upstream.id, reason: fault.reason, cause: causeOf(fault) },
    "an upstream sign-in failed",
  );
  if (fault.kind === "unreachable")
    return showSignIn(visit, { problem: `${upstream.name} does not answer right now. Try again shortly.`, status: 503 });
  return showSignIn(visit, {
    problem: `You were not signed in by ${upstream.name}. Try again, or go back to the application.`,
    status: 400,
  });
}

/** Why, for whoever runs the service: the words of a library, which hold no token. */
function causeOf({ cause }: UpstreamFault): string | undefined {
  return cause instanceof Error ? `${cause.name}: ${cause.message}` : undefined;
}

/** Known to nobody who has not both the transaction's id, which only the browser keeps, and the state's secret. */
function secretsFor(transaction: OpenTransaction, secret: string): { readonly nonce: string; readonly verifier: string } {
  return { nonce: derive(transaction, `upstream nonce ${secret}`), verifier: derive(transaction, `upstream verifier ${secret}`) };
}

function openState({ sealer }: Service, state: string | null): { readonly id: string; readonly secret: string } {
  try {
    const [id, secret] = JSON.parse(sealer.open(STATE, state ?? "")) as [string, string];
    return { id, secret };
  } catch (error) {
    if (error instanceof SealError) throw new HttpError(400, "This is not the answer to a sign-in that was begun here.");
    throw error;
  }
}

function providerOf(service: Service, id: string): Provider {
  const provider = service.part(createProviders).get(id);
  if (!provider) throw new HttpError(404, "There is no such provider.");
  return provider;
}

function pairOf(query: URLSearchParams, name: string): [string, string][] {
  const value = query.get(name);
  return value === null ? [] : [[name, value]];
}
