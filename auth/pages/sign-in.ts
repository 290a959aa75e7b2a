import type { Reply } from "../../shared/http/exchange.ts";
import { type ClientView, clientCard, type ScopeView, scopeList } from "./client-view.ts";
import { notice, textField } from "./form.ts";
import { type Html, html, renderPage } from "./page.ts";

export interface SignInView {
  /** Absent when someone signs in to see their own account. */
  readonly client: ClientView | undefined;
  readonly scopes: readonly ScopeView[];
  /** Where the form posts `email`. */
  readonly action: string;
  /** What was typed before. */
  readonly email?: string | undefined;
  /** Why that was not accepted: the page then answers 400. */
  readonly fault?: string | undefined;
  readonly developmentHint?: string | undefined;
}

/** Asks for the e-mail address, and says before anything is sent who asks and what for. */
export function signInPage({ client, scopes, action, email = "", fault, developmentHint }: SignInView): Reply {
  const focus = fault === undefined ? undefined : html` autofocus`;
  const body = html`<div class="card">
<h1>Sign in</h1>
${client === undefined ? html`<p class="lead">To see your account and the apps that are connected to it.</p>` : purpose(client, scopes)}
<form method="post" action="${action}">
${textField({
  name: "email",
  label: "Your e-mail address",
  hint: "We send a code to it. No password is needed.",
  fault,
  attributes: html`type="email" autocomplete="email" inputmode="email" autocapitalize="none" spellcheck="false" maxlength="254" value="${email}"${focus}`,
})}
<button class="primary" type="submit">Send me a code</button>
</form>
${developmentHint === undefined ? undefined : notice("development", html`<p>${developmentHint}</p>`)}
${client === undefined ? undefined : html`<p class="footnote">You did not start this? Close this page: nothing has been shared.</p>`}
</div>`;
  return renderPage({ title: "Sign in", body, status: fault === undefined ? 200 : 400 });
}

function purpose(client: ClientView, scopes: readonly ScopeView[]): Html {
  return html`<p class="lead">An app asks for access to your account here.</p>
${clientCard(client)}
${scopeList("It asks to", scopes)}`;
}
