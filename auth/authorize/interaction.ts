import { type Exchange, HttpError, type Reply } from "../../shared/http/exchange.ts";
import { type Parameters, parametersOf, readForm } from "../../shared/http/form.ts";
import type { Service } from "../../shared/service.ts";
import { messagePage } from "../pages/message.ts";
import { seeOther } from "./answer.ts";
import { decide, showConsent, switchAccount } from "./consent.ts";
import { askAgain, askEmail, showCode, tryCode } from "./email.ts";
import { showSignIn } from "./sign-in.ts";
import { chooseProvider } from "./upstream.ts";
import { type ClientVisit, type Visit, visitOf } from "./visit.ts";

type Step = (visit: Visit, form: Parameters) => Promise<Reply>;

const STEPS: ReadonlyMap<string, Step> = new Map([
  ["email", askEmail],
  ["upstream", chooseProvider],
  ["code", tryCode],
  ["restart", askAgain],
  ["consent", forClient(decide)],
  ["switch", forClient(switchAccount)],
]);

/** The page of whatever stage a transaction is in: safe to reload, and in as many tabs as one likes. */
export async function handleInteraction(exchange: Exchange, service: Service): Promise<Reply> {
  const visit = await visitOf(exchange, service);
  const { stage } = visit.transaction.entry.value;
  if (stage === "sign_in") return showSignIn(visit);
  if (stage === "code") return showCode(visit);
  if (!hasClient(visit)) return seeOther("/account");
  if (stage === "consent") return showConsent(visit);
  return messagePage({ title: "This is done", message: "You can close this window and go back to the application." });
}

/** A posted form: one step on. */
export async function handleInteractionStep(exchange: Exchange, service: Service): Promise<Reply> {
  const step = STEPS.get(exchange.path.split("/")[4] ?? "");
  if (!step) throw new HttpError(404, "There is no such step.");
  const form = parametersOf(await readForm(exchange));
  return step(await visitOf(exchange, service), form);
}

function forClient(step: (visit: ClientVisit, form: Parameters) => Promise<Reply>): Step {
  return async (visit, form) => {
    if (!hasClient(visit)) throw new HttpError(404, "There is no such step.");
    return step(visit, form);
  };
}

function hasClient(visit: Visit): visit is ClientVisit {
  return visit.asking !== undefined;
}
