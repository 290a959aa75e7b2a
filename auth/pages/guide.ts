import { type Html, html } from "./page.ts";

/** How to connect one client. */
export interface Guide {
  /** The fragment under which it is found on the page. */
  readonly id: string;
  readonly name: string;
  readonly about: string;
  readonly steps: Html;
  /** Unfolded from the start. */
  readonly open?: boolean;
}

/** Guides that unfold without a script. */
export function guideList(guides: readonly Guide[]): Html {
  return html`<div class="sheet">
${guides.map(
  ({ id, name, about, steps, open }) => html`<details id="${id}"${open ? html` open` : undefined}>
<summary><h3>${name}</h3><span class="about">${about}</span></summary>
<div class="steps">
${steps}
</div>
</details>
`,
)}</div>`;
}

/** A value that a click selects as a whole, with a copy button that stays hidden unless the script runs. */
export function copyable(label: string, value: string): Html {
  return html`<div class="copyable">
<p class="name">${label}</p>
<div class="line"><code>${value}</code><button type="button" hidden data-copy><span>Copy</span><span class="unseen"> ${label}</span></button></div>
</div>`;
}

export function copyables(...values: readonly Html[]): Html {
  return html`<div class="copyables">
${values}
</div>`;
}
