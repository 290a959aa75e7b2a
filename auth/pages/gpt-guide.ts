import { textField } from "./form.ts";
import { copyable, copyables, type Guide } from "./guide.ts";
import { type Html, html } from "./page.ts";

/** Registration of Custom GPTs by their callback URL. */
export interface GptForm {
  /** Where the form posts `callback_url`. */
  readonly action: string;
  /** Why the last callback URL was not accepted: the page then answers 400. */
  readonly fault?: string | undefined;
  /** What was registered just now. The secret is shown this once. */
  readonly registered?: { readonly clientId: string; readonly clientSecret: string; readonly callbacks: readonly string[] } | undefined;
}

export interface GptView {
  readonly openApiUrl: string;
  readonly authorizationUrl: string;
  readonly tokenUrl: string;
  readonly privacyUrl: string;
  readonly scopes: readonly string[];
  readonly gptForm?: GptForm | undefined;
}

const ID = "custom-gpt";
/** Where the form is found again after it was posted. */
const FORM_ID = "gpt-registration";

/** A GPT's callback URL exists only once it is saved, so its client is registered last and its credentials entered then. */
export function gptGuide({ openApiUrl, authorizationUrl, tokenUrl, privacyUrl, scopes, gptForm }: GptView): Guide {
  return {
    id: ID,
    name: "Custom GPT",
    about: "Actions over REST, with sign-in",
    open: gptForm?.registered !== undefined || gptForm?.fault !== undefined,
    steps: html`<ol>
<li>In the GPT editor (<b>Configure → Actions → Create new action</b>) choose <b>Import from URL</b>:
${copyables(copyable("Schema URL", openApiUrl))}</li>
<li>Under <b>Authentication</b> choose <b>OAuth</b>. As client ID and client secret type anything for now: step 5 replaces them.
${copyables(
  copyable("Authorization URL", authorizationUrl),
  copyable("Token URL", tokenUrl),
  copyable("Scope", scopes.join(" ")),
  copyable("Token exchange method", "Default (POST request)"),
)}</li>
<li>Enter the privacy policy and save the GPT.
${copyables(copyable("Privacy policy", privacyUrl))}</li>
<li>ChatGPT now shows a <b>callback URL</b> below the action: register it.
${gptForm === undefined ? elsewhere() : registration(gptForm)}</li>
<li>Open the GPT's authentication again and replace client ID and client secret with those that registration gave you. If saving changes the callback URL, register the new one.</li>
</ol>`,
  };
}

/** Only the operator may register a client that keeps a secret. */
function elsewhere(): Html {
  return html`<p>Open this page on the machine that runs Portico, by its <code>localhost</code> address, or add the client to <code>OAUTH_CLIENTS_JSON</code>.</p>`;
}

function registration({ action, fault, registered }: GptForm): Html {
  return html`<div class="copyables"><div class="panel" id="${FORM_ID}">
${registered === undefined ? undefined : credentials(registered)}
<form method="post" action="${action}#${FORM_ID}">
${textField({
  name: "callback_url",
  label: registered === undefined ? "Callback URL" : "Another callback URL",
  hint: "https://chat.openai.com/aip/g-…/oauth/callback",
  fault,
  attributes: html`type="url" inputmode="url" autocomplete="off" spellcheck="false" maxlength="500"${fault === undefined ? undefined : html` autofocus`}`,
})}
<button class="${registered === undefined ? "primary" : "secondary"}" type="submit">Register</button>
</form>
</div></div>`;
}

function credentials({ clientId, clientSecret, callbacks }: NonNullable<GptForm["registered"]>): Html {
  return html`<div class="copyables" role="status">
<p><strong>Registered.</strong> The secret is shown only now.</p>
${copyable("Client ID", clientId)}
${copyable("Client secret", clientSecret)}
<ul>
${callbacks.map((callback) => html`<li><code>${callback}</code></li>`)}
</ul>
</div>`;
}
