import type { Reply } from "../../shared/http/exchange.ts";
import { type ClientView, clientCard, printable } from "./client-view.ts";
import { notice, textField } from "./form.ts";
import { html, renderPage } from "./page.ts";

export interface CodeView {
  /** Absent when someone signs in to see their own account. */
  readonly client: ClientView | undefined;
  /** Where the form posts `code`, as the person typed it. */
  readonly action: string;
  readonly email: string;
  /** Where a form posts `restart`: `resend` for a new code, `address` for another e-mail address. */
  readonly restartAction: string;
  /** Why the last code was not accepted: the page then answers 400. */
  readonly fault?: string | undefined;
  /** The code as people read it, four and four, where development shows it. */
  readonly developmentCode?: string | undefined;
}

/** Asks for the code that was sent. Whether the address may sign in is not told. */
export function codePage({ client, action, email, restartAction, fault, developmentCode }: CodeView): Reply {
  const body = html`<div class="card">
<h1>Enter your code</h1>
<p class="lead">If <strong><bdi>${printable(email)}</bdi></strong> may sign in here, a code is on its way to it.</p>
${developmentCode === undefined ? undefined : notice("development", html`<p>Development: your code is <code id="development-code" class="code">${developmentCode}</code></p>`)}
<form method="post" action="${action}">
${textField({
  name: "code",
  label: "Code",
  hint: "Eight characters. Capitals and the dash do not matter.",
  fault,
  attributes: html`class="code" type="text" autocomplete="one-time-code" autocapitalize="characters" autocorrect="off" spellcheck="false" maxlength="16" autofocus`,
})}
<button class="primary" type="submit">Continue</button>
</form>
<form class="beside" method="post" action="${restartAction}">
<button class="quiet" type="submit" name="restart" value="resend">Send a new code</button>
<button class="quiet" type="submit" name="restart" value="address">Use another address</button>
</form>
${
  client === undefined
    ? undefined
    : html`<h2>You are signing in for</h2>
${clientCard(client)}`
}
</div>`;
  return renderPage({ title: "Enter your code", body, status: fault === undefined ? 200 : 400 });
}
