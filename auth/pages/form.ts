import { type Html, html } from "./page.ts";

export interface TextField {
  readonly name: string;
  readonly label: string;
  readonly hint?: string | undefined;
  /** What was wrong with the last value. */
  readonly fault?: string | undefined;
  /** The input's further attributes (type, autocomplete, value …). */
  readonly attributes: Html;
}

/** A required input with its label; hint and fault are bound to it for screen readers. */
export function textField({ name, label, hint, fault, attributes }: TextField): Html {
  const described = [hint === undefined ? [] : `${name}-hint`, fault === undefined ? [] : `${name}-fault`].flat().join(" ");
  return html`<div class="field">
<label for="${name}">${label}</label>
${hint === undefined ? undefined : html`<p class="hint" id="${name}-hint">${hint}</p>`}
<input id="${name}" name="${name}" required${described === "" ? undefined : html` aria-describedby="${described}"`}${fault === undefined ? undefined : html` aria-invalid="true"`} ${attributes}>
${fault === undefined ? undefined : html`<p class="fault" id="${name}-fault" role="alert">${fault}</p>`}
</div>`;
}

/** A framed remark: a warning to weigh, or something that only development shows. */
export function notice(kind: "warning" | "development", content: Html): Html {
  return html`<div class="notice ${kind}" role="note">${content}</div>`;
}

/** What goes with a form unseen; what is undefined stays out. */
export function hiddenFields(fields: Readonly<Record<string, string | undefined>>): Html {
  const inputs = Object.entries(fields).map(([name, value]) =>
    value === undefined ? undefined : html`<input type="hidden" name="${name}" value="${value}">`,
  );
  return html`${inputs.filter((input) => input !== undefined)}`;
}
