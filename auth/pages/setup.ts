import type { Reply } from "../../shared/http/exchange.ts";
import { isLoopbackHost } from "../../shared/net/loopback.ts";
import { COPY_SCRIPT } from "./copy-script.ts";
import { notice } from "./form.ts";
import { type GptForm, gptGuide } from "./gpt-guide.ts";
import { copyable, copyables, type Guide, guideList } from "./guide.ts";
import { type Html, html, renderPage } from "./page.ts";

export interface SetupView {
  readonly publicUrl: string;
  readonly mcpUrl: string;
  /** The OpenAPI document that a Custom GPT imports. */
  readonly openApiUrl: string;
  readonly authorizationUrl: string;
  readonly tokenUrl: string;
  readonly privacyUrl: string;
  /** What a Custom GPT may ask for. */
  readonly scopes: readonly string[];
  /** Only for who asks from this machine: whoever sees the form may register a client. */
  readonly gptForm?: GptForm | undefined;
}

/** Tells how to connect each client, with every value ready to copy. */
export function setupPage(view: SetupView): Reply {
  const { publicUrl, mcpUrl, gptForm } = view;
  const local = isLoopbackHost(new URL(publicUrl).host);
  const assistants = html`<section>
<h2>Assistants in the cloud</h2>
${local ? html`<p>For these, set a public address first.</p>` : undefined}
${guideList([chatGpt(mcpUrl), gptGuide(view), claude(mcpUrl)])}
</section>`;
  const tools = html`<section>
<h2>${local ? "Works now, on this computer" : "Editors and tools"}</h2>
${guideList([claudeCode(mcpUrl), vsCode(mcpUrl), cursor(mcpUrl), inspector(mcpUrl)])}
</section>`;
  const body = html`<div class="setup">
<div class="intro">
<h1>Portico is running</h1>
<p class="lead">Give this address to any MCP client. It finds the rest by itself and opens your browser to sign in.</p>
${copyable("MCP server URL", mcpUrl)}
${local ? publicAddress(publicUrl) : undefined}
</div>
${local ? [tools, assistants] : [assistants, tools]}
<p class="footnote">What is connected already, and how to end it: <a href="/account">your account</a>.</p>
<p class="unseen" role="status" data-copy-status></p>
</div>`;
  return renderPage({ title: "Connect", body, status: gptForm?.fault === undefined ? 200 : 400, script: COPY_SCRIPT });
}

function publicAddress(publicUrl: string): Html {
  return notice(
    "warning",
    html`<p><strong>ChatGPT and Claude on the web cannot reach this address.</strong> They run in the cloud and need a public https URL: open a tunnel to this port, then start Portico again with that URL as <code>PUBLIC_URL</code>. Claude Code, VS Code and Cursor work at once.</p>
${copyables(copyable("Open a tunnel, for example", `cloudflared tunnel --url ${publicUrl}`), copyable("Start again, with the tunnel's own address", "PUBLIC_URL=https://your-tunnel.example npm start"))}`,
  );
}

function chatGpt(mcpUrl: string): Guide {
  return {
    id: "chatgpt",
    name: "ChatGPT",
    about: "An app (connector) in developer mode",
    steps: html`<ol>
<li>In ChatGPT on the web open <b>Settings → Apps &amp; Connectors → Advanced settings</b> and switch on <b>Developer mode</b>. In a workspace, an administrator allows it first.</li>
<li>Back in <b>Apps &amp; Connectors</b> choose <b>Create</b>. Give it a name, choose <b>OAuth</b> as authentication, and paste this as MCP server URL:
${copyables(copyable("MCP server URL", mcpUrl))}</li>
<li>Choose <b>Create</b> and sign in. In a chat, pick the app from the <b>+</b> menu.</li>
</ol>`,
  };
}

function claude(mcpUrl: string): Guide {
  return {
    id: "claude",
    name: "Claude",
    about: "A custom connector on the web, desktop and mobile",
    steps: html`<ol>
<li>In Claude open <b>Settings → Connectors</b> and choose <b>Add custom connector</b>. In a Team or Enterprise plan, an owner adds it first.</li>
<li>Enter a name and this URL. Leave the advanced settings empty: Claude registers itself.
${copyables(copyable("Remote MCP server URL", mcpUrl))}</li>
<li>Choose <b>Connect</b> and sign in.</li>
</ol>`,
  };
}

function claudeCode(mcpUrl: string): Guide {
  return {
    id: "claude-code",
    name: "Claude Code",
    about: "One command in a terminal",
    steps: html`<ol>
<li>Run this:
${copyables(copyable("Command", `claude mcp add --transport http portico ${mcpUrl}`))}</li>
<li>In Claude Code type <code>/mcp</code>, choose <b>portico</b>, then <b>Authenticate</b>.</li>
</ol>`,
  };
}

function vsCode(mcpUrl: string): Guide {
  const server = { type: "http", url: mcpUrl };
  return {
    id: "vs-code",
    name: "VS Code",
    about: "A command, or a file in the workspace",
    steps: html`<p>Add it for yourself with a command:</p>
${copyable("Command", `code --add-mcp ${JSON.stringify(JSON.stringify({ name: "portico", ...server }))}`)}
<p>Or for everyone in a workspace:</p>
${copyable(".vscode/mcp.json", indented({ servers: { portico: server } }))}
<p>VS Code asks to sign in when the server starts: see <b>MCP: List Servers</b> in the command palette.</p>`,
  };
}

function cursor(mcpUrl: string): Guide {
  return {
    id: "cursor",
    name: "Cursor",
    about: "A file in your home folder",
    steps: html`<ol>
<li>Add the server to this file. For a single project, the same goes into <code>.cursor/mcp.json</code> there.
${copyables(copyable("~/.cursor/mcp.json", indented({ mcpServers: { portico: { url: mcpUrl } } })))}</li>
<li>In Cursor's settings, under MCP, choose <b>portico</b> and sign in.</li>
</ol>`,
  };
}

function inspector(mcpUrl: string): Guide {
  return {
    id: "inspector",
    name: "MCP Inspector",
    about: "Call the tools by hand and see every message",
    steps: html`<ol>
<li>Run this; it opens a page in your browser.
${copyables(copyable("Command", "npx @modelcontextprotocol/inspector"))}</li>
<li>Choose <b>Streamable HTTP</b> as transport type, paste this URL, then choose <b>Connect</b>.
${copyables(copyable("URL", mcpUrl))}</li>
</ol>`,
  };
}

function indented(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
