import type { Reply } from "../../shared/http/exchange.ts";
import { type ClientView, clientCard, printable, type ScopeView, scopeList } from "./client-view.ts";
import { notice } from "./form.ts";
import { type Html, html, renderPage } from "./page.ts";

export interface ConsentView {
  readonly client: ClientView;
  readonly scopes: readonly ScopeView[];
  /** The signed-in person's e-mail address. */
  readonly account: string;
  /** Where the form posts `decision`: `allow` or `deny`. */
  readonly action: string;
  /** Goes with the decision: it proves which sign-in the page was made for. */
  readonly shown: string;
  /** Where a form without fields posts to sign in as someone else. */
  readonly switchAction: string;
  /** The one surface that the access is good for. */
  readonly surface: "mcp" | "actions";
}

const SURFACES = { mcp: "tools of this service (MCP)", actions: "actions of a GPT (REST)" } as const satisfies Record<
  ConsentView["surface"],
  string
>;

/** Asks whether the client may have what it asked for. Only this page's POST releases a code. */
export function consentPage({ client, scopes, account, action, shown, switchAction, surface }: ConsentView): Reply {
  const body = html`<div class="card">
<h1>Allow access?</h1>
${clientCard(client)}
<dl class="facts">
<div>
<dt>Your account</dt>
<dd><bdi>${printable(account)}</bdi>
<form method="post" action="${switchAction}"><button class="quiet" type="submit">Not you? Use another account</button></form></dd>
</div>
<div><dt>Used for</dt><dd>${SURFACES[surface]}</dd></div>
</dl>
${scopeList("It will be able to", scopes)}
${caution(client)}
<form class="decision" method="post" action="${action}">
<input type="hidden" name="shown" value="${shown}">
<button class="primary" type="submit" name="decision" value="allow">Allow</button>
<button class="secondary" type="submit" name="decision" value="deny">Deny</button>
</form>
<p class="footnote">You can end this at any time in <a href="/account" target="_blank" rel="noopener">your account</a>.</p>
<details class="technical">
<summary>Technical details</summary>
<dl class="facts">
<div><dt>Client id</dt><dd><code>${printable(client.clientId)}</code></dd></div>
</dl>
</details>
</div>`;
  return renderPage({ title: "Allow access?", body });
}

/** What the person should weigh before trusting a name that anyone can take. */
function caution({ verified, loopbackOnly, redirectHost }: ClientView): Html | undefined {
  if (loopbackOnly) {
    return notice(
      "warning",
      html`<p>It runs on your own computer, and any program there can use its name. Allow it only if you started it yourself a moment ago.</p>`,
    );
  }
  if (verified) return undefined;
  return notice(
    "warning",
    html`<p>The app chose its name itself. Allow it only if you started this yourself at <strong dir="ltr">${printable(redirectHost)}</strong>.</p>`,
  );
}
