import { readFileSync } from "node:fs";
import { type Client, clientKind } from "../../auth/clients/client.ts";
import { createClientRecords } from "../../auth/clients/client-records.ts";
import { addCustomGpt, callbacksOf } from "../../auth/clients/custom-gpt.ts";
import { changeLock } from "../../shared/bearer/locks.ts";
import { sha256 } from "../../shared/hash.ts";
import { clientStateKind } from "../../shared/state/records.ts";
import { findClient, type ListedClient, listClients } from "./clients-list.mts";
import { newClient } from "./clients-new.mts";
import { type Call, CommandError, type Family, type Outcome } from "./command.mts";
import { requireState, withState } from "./connect.mts";
import { auditOperator } from "./operator.mts";

export const clients: Family = {
  about: "who may ask for access: list, add, disable",
  commands: {
    list: { about: "all clients that are known, with where they come from and whether they are disabled", run: runList },
    show: { about: "all that is known of one client", parameters: ["CLIENT_ID"], run: runShow },
    add: {
      about: "registers a client; its secret is shown once",
      parameters: ["CLIENT_ID"],
      options: {
        name: { type: "string", about: "what people are shown" },
        redirects: { type: "string", about: "redirect URIs, separated by spaces" },
        "logout-redirects": { type: "string", about: "where browsers may go on to after signing out" },
        method: { type: "string", about: "none, client_secret_basic, client_secret_post or private_key_jwt; unset: either secret" },
        keys: { type: "string", about: "a file with its public JWK set, for private_key_jwt" },
        "keys-url": { type: "string", about: "or the address of that set" },
        grants: { type: "string", about: "authorization_code refresh_token (as unset), or client_credentials" },
        scopes: { type: "string", about: "the scopes it may have; unset: all" },
        resources: { type: "string", about: "mcp (as unset), actions, or both" },
        trusted: { type: "boolean", about: "its people go to the upstream provider without a page in between" },
        "without-pkce": { type: "boolean", about: "it need not use PKCE; only with a secret or keys" },
      },
      run: runAdd,
    },
    "add-gpt": {
      about: "registers a Custom GPT by its callback URL, for both of ChatGPT's hosts; again: a new secret",
      parameters: ["CALLBACK_URL"],
      run: runAddGpt,
    },
    disable: {
      about: "stops a client: within 10 seconds none of its tokens works",
      parameters: ["CLIENT_ID"],
      options: { revoke: { type: "boolean", about: "for good: what it was given does not come back with enable" } },
      run: (call) => runLock(call, true),
    },
    enable: { about: "lets a disabled client go on", parameters: ["CLIENT_ID"], run: (call) => runLock(call, false) },
    remove: { about: "forgets a client that was added or registered itself; its tokens die", parameters: ["CLIENT_ID"], run: runRemove },
  },
};

async function runList({ config }: Call): Promise<Outcome> {
  requireState(config);
  const all = await withState(config, ({ store }) => listClients(config, store));
  return { ok: true, lines: all.map(lineOf), report: { clients: all } };
}

function lineOf({ client_id: id, origin, name, disabled }: ListedClient): string {
  return `${disabled ? "disabled " : ""}${origin.padEnd(11)}${id}${name === undefined ? "" : `  ${JSON.stringify(name)}`}`;
}

async function runShow({ config, parameters: [clientId = ""] }: Call): Promise<Outcome> {
  requireState(config);
  const found = await withState(config, ({ store }) => findClient(config, store, clientId));
  const lines = Object.entries(found).map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
  return { ok: true, lines, report: { client: found } };
}

async function runAdd({ config, parameters: [clientId = ""], options }: Call): Promise<Outcome> {
  const keysFile = options["keys"];
  const keys = typeof keysFile === "string" ? jsonOf(keysFile) : undefined;
  const { client, secret } = newClient(config, clientId, options, keys, Date.now());
  await withState(config, async ({ store }) => {
    if (!(await createClientRecords({ store, clock: Date.now }).add(client)))
      throw new CommandError(`there is a client ${clientId} already`);
  });
  auditOperator(config, "client_changed", { client: clientId, reason: "added" });
  return added(client, secret);
}

function jsonOf(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new CommandError(`${file}: ${(error as Error).message}`);
  }
}

function added({ clientId, redirectUris }: Pick<Client, "clientId" | "redirectUris">, secret: string | undefined): Outcome {
  const lines = [`client id: ${clientId}`, ...(secret === undefined ? [] : [`client secret: ${secret}`])];
  return {
    ok: true,
    lines: [...lines, ...redirectUris.map((uri) => `redirect: ${uri}`)],
    report: { client_id: clientId, ...(secret === undefined ? {} : { client_secret: secret }), redirect_uris: redirectUris },
    warnings: secret === undefined ? [] : ["the secret is shown this once; the store keeps its hash alone"],
  };
}

async function runAddGpt({ config, parameters: [callback = ""] }: Call): Promise<Outcome> {
  const named = callbacksOf(callback);
  if (!named) throw new CommandError("that is no Custom GPT's callback URL; it looks like https://chatgpt.com/aip/g-…/oauth/callback");
  const gpt = await withState(config, ({ store }) =>
    addCustomGpt(createClientRecords({ store, clock: Date.now }), named.gptId, named.callbacks, Date.now()),
  );
  auditOperator(config, "client_changed", { client: gpt.clientId, reason: "custom_gpt" });
  return added({ clientId: gpt.clientId, redirectUris: [...gpt.callbacks] }, gpt.clientSecret);
}

async function runLock({ config, parameters: [clientId = ""], options }: Call, disabled: boolean): Promise<Outcome> {
  requireState(config);
  await withState(config, async ({ store }) => {
    await findClient(config, store, clientId);
    const cutOff = options["revoke"] === true ? { notBefore: now() } : {};
    await changeLock(store, clientStateKind, sha256(clientId), (known) => ({ ...known, ...cutOff, disabled }));
  });
  const done = disabled ? "disabled" : "enabled";
  auditOperator(config, "client_changed", { client: clientId, reason: done });
  return { ok: true, lines: [`${done} ${clientId}; every replica knows within 10 seconds`], report: { client_id: clientId, disabled } };
}

/** What it was given dies with it, and stays dead should another get its id. */
async function runRemove({ config, parameters: [clientId = ""] }: Call): Promise<Outcome> {
  requireState(config);
  await withState(config, async ({ store }) => {
    const { origin } = await findClient(config, store, clientId);
    if (origin === "configured") throw new CommandError(`${clientId} stands in the configuration: take it out there, or disable it`);
    if (origin === "document") throw new CommandError(`${clientId} is the address of its own document: disable it`);
    await store.take(clientKind, { id: clientId });
    await changeLock(store, clientStateKind, sha256(clientId), (known) => ({ ...known, notBefore: now() }));
  });
  auditOperator(config, "client_changed", { client: clientId, reason: "removed" });
  return { ok: true, lines: [`removed ${clientId}`], report: { client_id: clientId } };
}

/** What began in this very millisecond is cut off too. */
function now(): number {
  return Date.now() + 1;
}
