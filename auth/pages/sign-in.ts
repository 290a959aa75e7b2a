import type { Reply } from "../../shared/http/exchange.ts";
import { type ClientView, clientCard, type ScopeView, scopeList } from "./client-view.ts";
import { notice, textField } from "./form.ts";
import { type Html, html, renderPage } from "./page.ts";

/** Why the page is shown once more: the page then answers an error status. */
export interface SignInFault {
  /** What is wrong with the address that was typed; 400. */
  readonly fault?: string | undefined;
  /** What went wrong elsewhere, and the status that says so. */
  readonly problem?: string | undefined;
  readonly status?: number | undefined;
}

/** What an e-mail address leads to: a code in a mail, the provider of its domain, or either. */
export type EmailWay = "code" | "provider" | "either";

export interface SignInView extends SignInFault {
  /** Absent when someone signs in to see their own account. */
  readonly client: ClientView | undefined;
  readonly scopes: readonly ScopeView[];
  /** Where the form posts `email`. */
  readonly action: string;
  /** "code" when absent; "none" asks for no address. */
  readonly emailWay?: EmailWay | "none";
  /** What was typed before. */
  readonly email?: string | undefined;
  /** Providers with a button each, which posts its id as `provider`. */
  readonly providers?: { readonly action: string; readonly listed: readonly { readonly id: string; readonly name: string }[] };
  readonly developmentHint?: string | undefined;
}

/** Asks who it is or where they sign in, and says before anybody is sent anywhere who asks and what for. */
export function signInPage(view: SignInView): Reply {
  const { client, scopes, emailWay = "code", providers, fault, problem, status, developmentHint } = view;
  const buttons = providers && providers.listed.length > 0 ? providerForm(providers) : undefined;
  const byEmail = emailWay === "none" ? undefined : emailForm(view, emailWay, buttons === undefined);
  const body = html`<div class="card">
<h1>Sign in</h1>
${problem === undefined ? undefined : html`<p class="fault" role="alert">${problem}</p>`}
${client === undefined ? html`<p class="lead">To see your account and the apps that are connected to it.</p>` : purpose(client, scopes)}
${buttons}
${buttons && byEmail ? html`<p class="hint">Or with your e-mail address:</p>` : undefined}
${byEmail}
${developmentHint === undefined ? undefined : notice("development", html`<p>${developmentHint}</p>`)}
${client === undefined ? undefined : html`<p class="footnote">You did not start this? Close this page: nothing has been shared.</p>`}
</div>`;
  return renderPage({ title: "Sign in", body, status: status ?? (fault === undefined ? 200 : 400) });
}

function purpose(client: ClientView, scopes: readonly ScopeView[]): Html {
  return html`<p class="lead">An app asks for access to your account here.</p>
${clientCard(client)}
${scopeList("It asks to", scopes)}`;
}

function providerForm({ action, listed }: NonNullable<SignInView["providers"]>): Html {
  const look = listed.length === 1 ? "primary" : "secondary";
  return html`<form method="post" action="${action}">
${listed.map(({ id, name }) => html`<button class="${look}" type="submit" name="provider" value="${id}">Continue with ${name}</button>`)}
</form>`;
}

const HINTS: Readonly<Record<EmailWay, string>> = {
  code: "We send a code to it. No password is needed.",
  provider: "It tells us where you sign in.",
  either: "You sign in where your organization does, or with a code that we send.",
};

function emailForm({ action, email = "", fault }: SignInView, way: EmailWay, isOnlyWay: boolean): Html {
  const focus = fault === undefined ? undefined : html` autofocus`;
  return html`<form method="post" action="${action}">
${textField({
  name: "email",
  label: "Your e-mail address",
  hint: HINTS[way],
  fault,
  attributes: html`type="email" autocomplete="email" inputmode="email" autocapitalize="none" spellcheck="false" maxlength="254" value="${email}"${focus}`,
})}
<button class="${isOnlyWay ? "primary" : "secondary"}" type="submit">${way === "code" ? "Send me a code" : "Continue"}</button>
</form>`;
}
