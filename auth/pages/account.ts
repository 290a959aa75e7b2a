import type { Reply } from "../../shared/http/exchange.ts";
import { type ClientView, clientCard, printable, type ScopeView, scopeList } from "./client-view.ts";
import { hiddenFields } from "./form.ts";
import { type Html, html, renderPage } from "./page.ts";

/** One connected app. */
export interface ConnectionView {
  readonly clientId: string;
  readonly client: ClientView;
  readonly scopes: readonly ScopeView[];
  /** How many times it was connected and still is. */
  readonly count: number;
  /** Milliseconds since the epoch. */
  readonly firstUsedAt: number;
  readonly lastIssuedAt: number;
}

/** What was done a moment ago. */
export const NOTICES = {
  disconnected: "The app is disconnected. It stops working within ten seconds and has to ask you again.",
  "all-disconnected": "All apps are disconnected. They stop working within ten seconds and have to ask you again.",
} as const;
export type NoticeName = keyof typeof NOTICES;

export interface AccountView {
  /** The signed-in person's e-mail address. */
  readonly account: string;
  readonly connections: readonly ConnectionView[];
  /** The forms post to paths below: `disconnect` with `client_id`, `disconnect-all`, `sign-out`, `sign-out-everywhere`. */
  readonly action: string;
  /** Goes with each form: it proves which session the page was made for. */
  readonly token: string;
  readonly notice?: NoticeName | undefined;
}

/** A person's own page. It needs no script. */
export function accountPage({ account, connections, action, token, notice }: AccountView): Reply {
  const button = (step: string, kind: string, words: string, fields: Readonly<Record<string, string>> = {}, attributes?: Html) =>
    html`<form method="post" action="${action}/${step}">
${hiddenFields({ token, ...fields })}
<button class="${kind}" type="submit"${attributes}>${words}</button>
</form>`;
  const apps = connections.map((connection, index) => {
    const id = `app-${index + 1}`;
    const disconnect = button("disconnect", "secondary", "Disconnect", { client_id: connection.clientId }, html` aria-describedby="${id}"`);
    return html`<li class="card">
<div id="${id}">${clientCard(connection.client)}</div>
${scopeList("It can", connection.scopes, 3)}
${facts(connection)}
${disconnect}
</li>
`;
  });
  const disconnectAll = html`<div class="way">
<p>Disconnect every app and stay signed in here.</p>
${button("disconnect-all", "secondary", "Disconnect all apps")}
</div>`;
  const body = html`<div class="account">
<div class="card">
<h1>Your account</h1>
${notice === undefined ? undefined : html`<p class="notice done" role="status">${NOTICES[notice]}</p>`}
<div class="way">
<p>You are signed in as <strong><bdi>${printable(account)}</bdi></strong>.</p>
${button("sign-out", "secondary", "Sign out")}
</div>
</div>
<section>
<h2>Connected apps</h2>
${apps.length === 0 ? html`<p class="empty">No app is connected to your account.</p>` : html`<ul class="apps">${apps}</ul>`}
</section>
<section>
<h2>If something looks wrong</h2>
<div class="card">
${apps.length === 0 ? undefined : disconnectAll}
<div class="way">
<p>Disconnect every app and end your sign-in in every browser, this one too.</p>
${button("sign-out-everywhere", "danger", "Sign out everywhere")}
</div>
</div>
</section>
</div>`;
  return renderPage({ title: "Your account", body });
}

function facts({ count, firstUsedAt, lastIssuedAt }: ConnectionView): Html {
  return html`<dl class="facts">
${count > 1 ? html`<div><dt>Connections</dt><dd>${count}</dd></div>` : undefined}
<div><dt>First use</dt><dd>${time(firstUsedAt)}</dd></div>
<div><dt>Last access</dt><dd>${time(lastIssuedAt)}</dd></div>
</dl>`;
}

const DATE = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "short", timeZone: "UTC" });

/** Without a script nobody knows the reader's time zone. */
function time(milliseconds: number): Html {
  const date = new Date(milliseconds);
  return html`<time datetime="${date.toISOString()}">${DATE.format(date)} UTC</time>`;
}
