import { type Html, html } from "./page.ts";

/** Who asks, as far as a person can judge it. */
export interface ClientView {
  /** What the client calls itself. */
  readonly name: string | undefined;
  readonly clientId: string;
  /** Where the browser goes with the code: the part of the redirect URI that tells whose it is. */
  readonly redirectHost: string;
  /** Registered by the operator; all others chose their name themselves. */
  readonly verified: boolean;
  /** The host of the metadata document that says all this of it, for a client that has one. */
  readonly documentHost?: string | undefined;
  /** All its redirects lead to the person's own computer. */
  readonly loopbackOnly: boolean;
}

/** One permission asked for. */
export interface ScopeView {
  readonly scope: string;
  /** What it permits, to follow "It will be able to" and "It asks to". */
  readonly words: string;
  /** Not among what the person has allowed this client before. */
  readonly isNew: boolean;
}

/** Code points. */
const MAX_NAME = 60;
const MAX_TEXT = 300;

/**
 * A stranger's text on one line: without control, bidirectional and invisible characters, with which a name could
 * rewrite the words around it, and without stacks of marks, which would cover them. Longer than `max` code points is cut.
 */
export function printable(text: string, max: number = MAX_TEXT): string {
  const clean = text
    .replace(/\s+/gu, " ")
    .replace(/[\p{C}\p{Default_Ignorable_Code_Point}]/gu, "")
    .replace(/(\p{M}{3})\p{M}+/gu, "$1")
    .trim();
  const points = [...clean];
  return points.length > max ? `${points.slice(0, max).join("").trimEnd()}…` : clean;
}

/**
 * The only place where a client's name is shown, so that it never stands without the host it redirects to and, unless
 * the operator registered it, the word "unverified".
 */
export function clientCard(client: ClientView): Html {
  const name = printable(client.name ?? "", MAX_NAME);
  const initial = /[\p{L}\p{N}]/u.exec(name)?.[0];
  const shown = initial === undefined ? "An app without a name" : name;
  return html`<div class="client">
<span class="monogram" aria-hidden="true">${initial?.toUpperCase() ?? "?"}</span>
<div>
<p class="client-name"><bdi>${shown}</bdi> ${client.verified ? html`<span class="badge">registered here</span>` : html`<span class="badge caution">unverified</span>`}</p>
<p class="client-host">sends you back to <strong dir="ltr">${printable(client.redirectHost)}</strong></p>
${client.documentHost === undefined ? undefined : html`<p class="client-host">described at <strong dir="ltr">${printable(client.documentHost)}</strong></p>`}
</div>
</div>`;
}

/** The permissions under a heading, of the second order unless given, which their words continue. */
export function scopeList(heading: string, scopes: readonly ScopeView[], order: 2 | 3 = 2): Html {
  if (scopes.length === 0) return html`<p>It asks only to know that you are signed in.</p>`;
  const mixed = scopes.some((scope) => scope.isNew) && scopes.some((scope) => !scope.isNew);
  const items = scopes.map(({ scope, words, isNew }) => {
    const badge = mixed && isNew ? html` <span class="badge accent">new</span>` : undefined;
    return html`<li><span>${words}${badge}</span> <code>${scope}</code></li>`;
  });
  return html`${order === 2 ? html`<h2>${heading}</h2>` : html`<h3>${heading}</h3>`}
<ul class="scopes">
${items}
</ul>`;
}
