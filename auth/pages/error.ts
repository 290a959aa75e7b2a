import type { Reply } from "../../shared/http/exchange.ts";
import { printable } from "./client-view.ts";
import { type Html, html, renderPage } from "./page.ts";

export interface ErrorView {
  readonly status: number;
  readonly title: string;
  /** What happened and what the person can do. Never a secret. */
  readonly message: string;
  /** Leads to the log line. */
  readonly requestId: string;
  /** The client's redirect with the error in it, for a person to follow: nothing is sent there by itself. */
  readonly link?: { readonly href: string; readonly host: string } | undefined;
}

/** Tells a person what went wrong where no client may be told, or not without the person (RFC 9700 §4.11.2). */
export function errorPage({ status, title, message, requestId, link }: ErrorView): Reply {
  const body = html`<div class="card">
<h1>${title}</h1>
<p>${message}</p>
${link === undefined ? undefined : wayBack(link)}
<p class="footnote">Error ${status}. Should you ask for help, name this request: <code>${requestId}</code></p>
</div>`;
  return renderPage({ title, body, status });
}

/** Only web addresses become links: whatever a stranger registered, no other scheme can run from here. */
function wayBack({ href, host }: { readonly href: string; readonly host: string }): Html {
  const name = html`<strong dir="ltr">${printable(host)}</strong>`;
  const isWeb = URL.canParse(href) && /^https?:$/.test(new URL(href).protocol);
  if (!isWeb) return html`<p>You came from ${name}: go back there and try again.</p>`;
  return html`<p>You came from ${name}. This service does not know it well enough to send you back by itself.</p>
<p><a class="button secondary" rel="noreferrer" href="${href}">Go back to&#32;<span dir="ltr">${printable(host)}</span></a></p>`;
}
