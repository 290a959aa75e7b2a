import { cspSource } from "../../shared/hash.ts";
import type { Reply, ReplyHeaders } from "../../shared/http/exchange.ts";
import { STYLES } from "./styles.ts";

const MARKUP = Symbol("markup");

/** Markup that is safe to embed. Only {@link html} makes it: the symbol cannot come out of JSON, a form or a store. */
export interface Html {
  readonly [MARKUP]: string;
}

type Piece = Html | string | number | undefined | readonly Html[];

/** Markup whose interpolated texts are escaped for element content and for quoted attributes; nested markup passes through. */
export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  return { [MARKUP]: String.raw({ raw: strings }, ...pieces.map(markupOf)) };
}

function markupOf(piece: Piece): string {
  if (piece === undefined) return "";
  if (typeof piece === "string" || typeof piece === "number") return escaped(String(piece));
  return MARKUP in piece ? piece[MARKUP] : piece.map(markupOf).join("");
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

/** Text that code of this house wrote (styles, the script), embedded as it is. */
function verbatim(text: string): Html {
  return { [MARKUP]: text };
}

export interface Page {
  /** Plain text: the service's name is added. Never a client's name, which may not stand alone. */
  readonly title: string;
  /** What `main` holds. */
  readonly body: Html;
  /** 200 when absent. */
  readonly status?: number | undefined;
  /** More headers, `set-cookie` for one; those of every page cannot be replaced. */
  readonly headers?: ReplyHeaders | undefined;
  /** An inline script, allowed by its hash. A constant of this house, never made from input. */
  readonly script?: string | undefined;
}

/**
 * No `form-action`: Chromium applies it to the whole redirect chain of a form, which ends at the client.
 */
const POLICY = ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", `style-src ${cspSource(STYLES)}`, "img-src data:"].join(
  "; ",
);

/**
 * No Cross-Origin-Opener-Policy: clients that open these pages in a popup take its loss for "canceled". `same-origin`
 * rather than `no-referrer`, which makes Chromium send `Origin: null` with the form.
 */
const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
} satisfies ReplyHeaders;

/** A pediment on three columns, drawn once for the header and, with a colour of its own, for the tab. */
const SHAPE = "M3 9.5 12 4l9 5.5v1.5H3zM5 12.5h2.5v5H5zm5.75 0h2.5v5h-2.5zm5.75 0H19v5h-2.5zM3 19h18v2H3z";
const LOGO = html`<svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false"><path fill="currentColor" d="${SHAPE}"/></svg>`;
const ICON = `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill="#4a6cf0" d="${SHAPE}"/></svg>`)}`;

/** A whole page with the headers that every page has. */
export function renderPage({ title, body, status = 200, headers = {}, script }: Page): Reply {
  const policy = script === undefined ? POLICY : `${POLICY}; script-src ${cspSource(script)}`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Portico</title>
<link rel="icon" href="${ICON}">
<style>${verbatim(STYLES)}</style>
</head>
<body>
<header class="brand">${LOGO}<span>Portico</span></header>
<main>
${body}
</main>
${script === undefined ? undefined : html`<script>${verbatim(script)}</script>`}
</body>
</html>
`;
  return { status, headers: { ...headers, ...HEADERS, "content-security-policy": policy }, body: page[MARKUP] };
}
