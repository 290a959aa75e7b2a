import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setupPage } from "../../../auth/pages/setup.ts";
import { gptForm, pages, setup } from "./views.mts";

const page = (more = {}) => String(setupPage({ ...setup, ...more }).body);
const inPublic = String(pages["setup in public"]?.body);

/** The text of every copyable value, by its label. */
function valuesOf(text: string): Map<string, string> {
  const found = text.matchAll(
    /<p class="name">(.*?)<\/p>\n<div class="line"><code>([\s\S]*?)<\/code><button type="button" hidden data-copy>/g,
  );
  return new Map([...found].map(([, label = "", value = ""]) => [label, value.replaceAll("&quot;", '"').replaceAll("&#39;", "'")]));
}

describe("the setup page", () => {
  it("has every value that a Custom GPT needs", () => {
    const values = valuesOf(page());
    assert.equal(values.get("Schema URL"), setup.openApiUrl);
    assert.equal(values.get("Authorization URL"), setup.authorizationUrl);
    assert.equal(values.get("Token URL"), setup.tokenUrl);
    assert.equal(values.get("Scope"), setup.scopes.join(" "));
    assert.equal(values.get("Privacy policy"), setup.privacyUrl);
  });

  it("has the MCP address for each client, in the form that the client reads", () => {
    const values = valuesOf(page());
    assert.equal(values.get("MCP server URL"), setup.mcpUrl);
    assert.deepEqual(JSON.parse(values.get(".vscode/mcp.json") ?? ""), { servers: { portico: { type: "http", url: setup.mcpUrl } } });
    assert.deepEqual(JSON.parse(values.get("~/.cursor/mcp.json") ?? ""), { mcpServers: { portico: { url: setup.mcpUrl } } });
    assert.ok(page().includes(`<code>claude mcp add --transport http portico ${setup.mcpUrl}</code>`));
    assert.ok(
      page().includes("<code>code --add-mcp &quot;{\\&quot;name\\&quot;:\\&quot;portico\\&quot;,\\&quot;type\\&quot;:\\&quot;http\\&quot;"),
    );
    for (const name of ["ChatGPT", "Custom GPT", "Claude", "Claude Code", "VS Code", "Cursor", "MCP Inspector"])
      assert.ok(page().includes(`<h3>${name}</h3>`), name);
  });

  it("says on loopback who cannot reach it and what works at once, and puts that first", () => {
    assert.match(
      page(),
      /ChatGPT and Claude on the web cannot reach this address\.[\s\S]*PUBLIC_URL[\s\S]*Claude Code, VS Code and Cursor work at once/,
    );
    assert.ok(page().indexOf("<h3>Claude Code</h3>") < page().indexOf("<h3>ChatGPT</h3>"));
  });

  it("has no such warning at a public address, and puts the assistants first", () => {
    assert.doesNotMatch(inPublic, /cannot reach|localhost:/);
    assert.ok(inPublic.indexOf("<h3>ChatGPT</h3>") < inPublic.indexOf("<h3>Claude Code</h3>"));
  });

  it("has the form for a Custom GPT only where it may be used", () => {
    assert.doesNotMatch(page(), /<form|callback_url/);
    assert.match(page(), /OAUTH_CLIENTS_JSON/);
    assert.match(page({ gptForm }), /<form method="post" action="\/setup\/gpt#gpt-registration">[\s\S]*name="callback_url" required/);
  });

  it("says what was wrong with a callback URL, unfolded, with status 400", () => {
    const reply = setupPage({ ...setup, gptForm: { ...gptForm, fault: "Not a <callback>." } });
    assert.equal(reply.status, 400);
    assert.match(String(reply.body), /<details id="custom-gpt" open>[\s\S]*id="callback_url-fault" role="alert">Not a &lt;callback&gt;\.</);
  });

  it("gives the credentials of a GPT that was just registered, unfolded", () => {
    const registered = { clientId: "gpt-1", clientSecret: "s-2", callbacks: ["https://chatgpt.com/aip/g-1/oauth/callback"] };
    const text = page({ gptForm: { ...gptForm, registered } });
    assert.equal(valuesOf(text).get("Client ID"), "gpt-1");
    assert.equal(valuesOf(text).get("Client secret"), "s-2");
    assert.match(text, /<details id="custom-gpt" open>[\s\S]*https:\/\/chatgpt\.com\/aip\/g-1\/oauth\/callback/);
  });
});
