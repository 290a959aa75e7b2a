import type { Reply } from "../../shared/http/exchange.ts";
import { html, renderPage } from "./page.ts";

export interface MessageView {
  readonly title: string;
  readonly message: string;
  /** A page of this service to go on to. */
  readonly next?: { readonly path: string; readonly words: string } | undefined;
}

/** Something is done and there is nothing to decide. */
export function messagePage({ title, message, next }: MessageView): Reply {
  const body = html`<div class="card">
<h1>${title}</h1>
<p>${message}</p>
${next === undefined ? undefined : html`<p><a class="button secondary" href="${next.path}">${next.words}</a></p>`}
</div>`;
  return renderPage({ title, body });
}
