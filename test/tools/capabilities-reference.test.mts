import assert from "node:assert/strict";
import { test } from "node:test";
import { createRegistry } from "../../shared/capabilities/registry.ts";
import { loadConfig } from "../../shared/config.ts";
import { renderCapabilitiesReference, writtenReference } from "../../tools/capabilities-reference.mts";

test("the reference of capabilities is what the definitions say", () => {
  assert.equal(writtenReference(), renderCapabilitiesReference(), "run: npm run capabilities");
});

test("everything that is offered by default is in it, with its scopes and its members", () => {
  const page = writtenReference();
  for (const { name, access, inputSchema } of createRegistry(loadConfig({})).catalog.capabilities) {
    const [, section = ""] = page.split(`\n### ${name}\n`);
    assert.notEqual(section, "", name);
    const own = section.split("\n### ")[0] ?? "";
    for (const scope of access === "public" ? [] : access) assert.ok(own.includes(`\`${scope}\``), `${name}: ${scope}`);
    for (const member of Object.keys((inputSchema["properties"] ?? {}) as object))
      assert.ok(own.includes(`| \`${member}\` |`), `${name}: ${member}`);
  }
});
