/**
 * The one stylesheet of all pages. Embedded and allowed by its hash, so it must reach the page as it is: no `</style`.
 * Colours keep 4.5:1 for text and 3:1 for the edges of controls (WCAG 2.2 §1.4.3, §1.4.11) in both schemes.
 */
export const STYLES = `
:root {
  color-scheme: light dark;
  --ground: #f5f4f1;
  --surface: #ffffff;
  --sunken: #f3f2ee;
  --text: #1c1e22;
  --muted: #585d66;
  --line: #e1ded7;
  --edge: #858a94;
  --accent: #2f4fc6;
  --accent-strong: #243fa6;
  --on-accent: #ffffff;
  --accent-tint: #eaeefc;
  --caution: #6b4700;
  --caution-tint: #fdf3da;
  --caution-line: #e3c67c;
  --fault: #a3211b;
  --danger: #a3211b;
  --danger-tint: #fbeceb;
  --shadow: 0 1px 2px rgb(28 30 34 / 5%), 0 12px 32px -12px rgb(28 30 34 / 14%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #111317;
    --surface: #1a1d22;
    --sunken: #13161a;
    --text: #eceef2;
    --muted: #a6adb8;
    --line: #2d3139;
    --edge: #767d89;
    --accent: #a9baff;
    --accent-strong: #c3cfff;
    --on-accent: #10162e;
    --accent-tint: #252c47;
    --caution: #f2d793;
    --caution-tint: #2b2413;
    --caution-line: #67551f;
    --fault: #ffb3ab;
    --danger: #ffb3ab;
    --danger-tint: #351c1a;
    --shadow: none;
  }
}
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0;
  min-height: 100vh;
  min-height: 100dvh;
  padding: 1.25rem 1rem 3rem;
  background: var(--ground);
  color: var(--text);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  overflow-wrap: anywhere;
}
h1, h2, h3, p, ul, ol, dl, dd { margin: 0; }
h1 { font-size: 1.5rem; line-height: 1.25; letter-spacing: -0.015em; }
h2 { font-size: 0.9375rem; line-height: 1.4; }
a { color: var(--accent); text-underline-offset: 0.2em; }
code { font: 0.875em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
strong { font-weight: 650; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }

.brand { display: flex; align-items: center; justify-content: center; gap: 0.5rem; margin: 0.75rem 0 1.25rem; font-weight: 650; letter-spacing: -0.01em; }
.brand svg { color: var(--accent); }
.card, .sheet { margin: 0 auto; background: var(--surface); border: 1px solid var(--line); border-radius: 1rem; box-shadow: var(--shadow); }
.card { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.25rem; max-width: 27.5rem; padding: 1.5rem 1.25rem; }
.lead, .hint, .footnote, .client-host, dt { color: var(--muted); }
.card .lead { margin-top: -0.75rem; }
.lead strong { color: var(--text); }
.hint, .footnote, .client-host, .technical, .facts { font-size: 0.875rem; }
.footnote { padding-top: 1rem; border-top: 1px solid var(--line); }

.client { display: flex; align-items: center; gap: 0.875rem; padding: 0.875rem; background: var(--sunken); border: 1px solid var(--line); border-radius: 0.75rem; }
.client > div { min-width: 0; }
h2 + .client { margin-top: -0.625rem; }
.client-name { font-weight: 650; line-height: 1.4; }
.client-host strong { color: var(--text); }
.monogram { flex: none; display: grid; place-items: center; width: 2.75rem; height: 2.75rem; border-radius: 0.625rem; background: var(--accent-tint); color: var(--accent); font-size: 1.125rem; font-weight: 650; }
.badge { display: inline-block; padding: 0 0.5rem; border: 1px solid var(--line); border-radius: 1rem; background: var(--surface); color: var(--muted); font-size: 0.75rem; font-weight: 600; line-height: 1.5rem; vertical-align: 0.0625rem; white-space: nowrap; }
.badge.caution { background: var(--caution-tint); border-color: var(--caution-line); color: var(--caution); }
.badge.accent { background: var(--accent-tint); border-color: transparent; color: var(--accent); }

.scopes { display: grid; gap: 0.625rem; margin-top: -0.625rem; padding: 0; list-style: none; }
.scopes li { position: relative; padding-left: 1.75rem; line-height: 1.45; }
.scopes li::before { content: ""; position: absolute; left: 0.3125rem; top: 0.3125rem; width: 0.4375rem; height: 0.75rem; border: solid var(--accent); border-width: 0 2px 2px 0; transform: rotate(40deg); }
.scopes code { display: block; color: var(--muted); font-size: 0.8125rem; }

form { display: grid; gap: 1rem; }
.field { display: grid; gap: 0.375rem; }
label { font-weight: 600; }
input { width: 100%; min-height: 2.875rem; padding: 0.5rem 0.75rem; border: 1px solid var(--edge); border-radius: 0.625rem; background: var(--surface); color: inherit; font: inherit; }
input[aria-invalid] { border-color: var(--fault); box-shadow: inset 0 0 0 1px var(--fault); }
input.code { font: 600 1.375rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; letter-spacing: 0.12em; text-transform: uppercase; text-align: center; }
.fault { color: var(--fault); font-size: 0.9375rem; font-weight: 600; }
button, .button { display: inline-block; min-height: 2.875rem; padding: 0.625rem 1.125rem; border: 1px solid transparent; border-radius: 0.625rem; font: inherit; font-weight: 600; text-align: center; text-decoration: none; cursor: pointer; }
.primary { background: var(--accent); color: var(--on-accent); }
.primary:hover { background: var(--accent-strong); }
.secondary { border-color: var(--edge); background: transparent; color: var(--text); }
.secondary:hover { background: var(--sunken); }
.danger { border-color: var(--danger); background: transparent; color: var(--danger); }
.danger:hover { background: var(--danger-tint); }
.quiet { min-height: 1.75rem; padding: 0.125rem 0; background: none; color: var(--accent); font-size: 0.875rem; font-weight: 500; text-align: left; text-decoration: underline; text-underline-offset: 0.2em; }
.quiet:hover { color: var(--accent-strong); }
.beside { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0.25rem 1.25rem; }
.decision { grid-template-columns: 1fr 1fr; gap: 0.75rem; }

.facts { display: grid; gap: 0.75rem; }
.facts > div { display: grid; grid-template-columns: 6.5rem minmax(0, 1fr); gap: 0.25rem 0.75rem; }
.notice { display: grid; gap: 0.5rem; padding: 0.75rem 0.875rem; border: 1px solid var(--line); border-radius: 0.75rem; font-size: 0.9375rem; }
.notice.warning { background: var(--caution-tint); border-color: var(--caution-line); color: var(--caution); }
.notice.done { background: var(--accent-tint); border-color: transparent; }
.notice.development { background: var(--accent-tint); border-color: transparent; }
code.code { font-size: 1.0625rem; font-weight: 650; letter-spacing: 0.06em; white-space: nowrap; user-select: all; }
summary { cursor: pointer; border-radius: 0.5rem; }
.technical summary { color: var(--muted); }
.technical .facts { margin-top: 0.75rem; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.account { display: grid; grid-template-columns: minmax(0, 1fr); gap: 2rem; max-width: 46rem; margin: 0 auto; }
.account section { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.75rem; }
.account section > h2 { font-size: 1.125rem; }
.account .card { width: 100%; max-width: none; }
.account .apps { display: grid; gap: 1rem; padding: 0; list-style: none; }
.account h3 { font-size: 0.9375rem; line-height: 1.4; }
.account form { justify-items: start; }
.account .empty { color: var(--muted); }
.account .way { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0.75rem 1.5rem; }
.account .way > p { flex: 1 1 16rem; }
.account .way + .way { padding-top: 1.25rem; border-top: 1px solid var(--line); }

.setup { display: grid; grid-template-columns: minmax(0, 1fr); gap: 2rem; max-width: 46rem; margin: 0 auto; }
.setup .intro { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1rem; }
.setup h1 { font-size: 1.875rem; }
.setup .lead { font-size: 1.0625rem; }
.setup section { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.75rem; }
.setup section > h2 { font-size: 1.125rem; }
.setup section > p { color: var(--muted); }
.sheet { width: 100%; overflow: hidden; }
.sheet > details + details { border-top: 1px solid var(--line); }
.sheet > details > summary { display: grid; grid-template-columns: minmax(0, 1fr) auto; align-items: center; gap: 0.125rem 1rem; padding: 0.875rem 1.125rem; list-style: none; border-radius: 0; }
.sheet > details > summary::-webkit-details-marker { display: none; }
.sheet > details > summary::after { content: ""; grid-row: 1 / span 2; grid-column: 2; width: 0.5rem; height: 0.5rem; margin-right: 0.25rem; border: solid var(--muted); border-width: 0 2px 2px 0; transform: translateY(-25%) rotate(45deg); }
.sheet > details[open] > summary::after { transform: translateY(25%) rotate(-135deg); }
.sheet > details > summary:hover { background: var(--sunken); }
.sheet > details > summary:focus-visible { outline-offset: -3px; }
.sheet h3 { font-size: 1rem; line-height: 1.4; }
.sheet .about { color: var(--muted); font-size: 0.875rem; }
.sheet .steps { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1rem; padding: 0.25rem 1.125rem 1.375rem; }
.sheet ol { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1rem; padding-left: 1.375rem; }
.sheet ol > li { padding-left: 0.25rem; }
.sheet ol > li::marker { color: var(--muted); font-weight: 600; }
.copyables { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.625rem; }
ol .copyables { margin-top: 0.625rem; }
.copyable { color: var(--text); }
.copyable .name { margin-bottom: 0.25rem; color: var(--muted); font-size: 0.8125rem; font-weight: 600; }
.copyable .line { display: flex; align-items: stretch; border: 1px solid var(--line); border-radius: 0.625rem; background: var(--sunken); }
.copyable code { flex: 1; min-width: 0; align-self: center; padding: 0.5625rem 0.75rem; white-space: pre-wrap; user-select: all; }
.copyable button { flex: none; align-self: flex-start; min-width: 4.5rem; min-height: 2.375rem; padding: 0.25rem 0.75rem; border: 0; border-left: 1px solid var(--line); border-radius: 0 0.5625rem 0.5625rem 0; background: transparent; color: var(--accent); font-size: 0.875rem; }
.copyable button:hover { background: var(--accent-tint); }
.panel { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1rem; padding: 1rem; border: 1px solid var(--line); border-radius: 0.75rem; }
.panel ul { padding-left: 1.25rem; font-size: 0.875rem; }

@media (min-width: 40rem) {
  body { padding-top: 7vh; }
  .card { padding: 2rem; }
}
@media (max-width: 30rem) {
  .sheet .steps { padding: 0.25rem 0.875rem 1.125rem; }
  .sheet ol { padding-left: 1.25rem; }
  .copyable .line { flex-direction: column; }
  .copyable code { align-self: stretch; }
  .copyable button { align-self: stretch; border: 0; border-top: 1px solid var(--line); border-radius: 0 0 0.5625rem 0.5625rem; }
}
@media (max-width: 24rem) {
  .facts > div { grid-template-columns: minmax(0, 1fr); gap: 0; }
}
`;
