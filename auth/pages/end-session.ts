import type { Reply } from "../../shared/http/exchange.ts";
import { printable } from "./client-view.ts";
import { hiddenFields } from "./form.ts";
import { html, renderPage } from "./page.ts";

export interface EndSessionView {
  /** The signed-in person's e-mail address. */
  readonly account: string;
  /** Where the form posts. */
  readonly action: string;
  /** What goes with it. */
  readonly fields: Readonly<Record<string, string | undefined>>;
  /** Where the browser goes afterwards, when it leaves this service. */
  readonly redirectHost: string | undefined;
}

/** Asks before a sign-out that the person may not have begun. */
export function endSessionPage({ account, action, fields, redirectHost }: EndSessionView): Reply {
  const body = html`<div class="card">
<h1>Sign out?</h1>
<p>You are signed in as <strong><bdi>${printable(account)}</bdi></strong> in this browser.</p>
${redirectHost === undefined ? undefined : html`<p>Afterwards you are sent to <strong dir="ltr">${printable(redirectHost)}</strong>.</p>`}
<form class="decision" method="post" action="${action}">
${hiddenFields(fields)}
<button class="primary" type="submit">Sign out</button>
<a class="button secondary" href="/account">Stay</a>
</form>
</div>`;
  return renderPage({ title: "Sign out?", body });
}
