import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { createPerson } from "../../tools/person.mts";
import { createClock, HOUR, type TestClock } from "../support/clock.mts";
import { startPlainHost, type TestHost } from "../support/host.mts";
import { connect, DEVELOPMENT_GPT } from "../support/oauth.mts";

// biome-ignore lint/suspicious/noExplicitAny: a GPT knows nothing but the document.
type Loose = any;

let host: TestHost;
let clock: TestClock;
before(async () => {
  clock = createClock();
  host = await startPlainHost({ clock, env: { CAPABILITIES: "core todos" } });
});
after(() => host.close());

/**
 * What ChatGPT does with an imported document: it knows its operations and URLs and nothing else, sends no header of its
 * own, signs in without PKCE and without `resource`, and refreshes when a call is refused.
 */
async function createGpt(documentUrl: string) {
  const document = (await (await fetch(documentUrl)).json()) as Loose;
  const [{ url: server }] = document.servers;
  const { authorizationUrl, tokenUrl, scopes } = document.components.securitySchemes.oauth.flows.authorizationCode;
  const operations = new Map<string, Loose>(
    Object.entries(document.paths as Record<string, Loose>).flatMap(([path, item]) =>
      Object.entries(item as Record<string, Loose>).map(
        ([method, operation]) => [operation.operationId, { path, method, operation }] as const,
      ),
    ),
  );
  let tokens: Loose;

  async function askForTokens(fields: Readonly<Record<string, string>>): Promise<void> {
    const { id, secret = "" } = DEVELOPMENT_GPT;
    const body = new URLSearchParams({ client_id: id, client_secret: secret, ...fields });
    const response = await fetch(tokenUrl, { method: "POST", body });
    assert.equal(response.status, 200);
    tokens = await response.json();
  }

  async function fetchOnce(name: string, input: Readonly<Record<string, string>>): Promise<Response> {
    const { path, method } = operations.get(name);
    const headers = { authorization: `Bearer ${tokens.access_token}` };
    if (method === "get") return fetch(`${server}${path}?${new URLSearchParams(input)}`, { headers });
    return fetch(`${server}${path}`, { method, headers: { ...headers, "content-type": "application/json" }, body: JSON.stringify(input) });
  }

  return {
    operations,
    async signIn(email: string): Promise<void> {
      const state = randomUUID();
      const redirect = DEVELOPMENT_GPT.redirectUri;
      const url = new URL(authorizationUrl);
      const scope = Object.keys(scopes).join(" ");
      url.search = String(
        new URLSearchParams({ response_type: "code", client_id: DEVELOPMENT_GPT.id, redirect_uri: redirect, scope, state }),
      );
      const answer = await createPerson(email).authorize(url);
      assert.equal(answer.searchParams.get("state"), state);
      await askForTokens({ grant_type: "authorization_code", code: answer.searchParams.get("code") ?? "", redirect_uri: redirect });
      for (const member of ["access_token", "token_type", "refresh_token", "expires_in"]) assert.ok(tokens[member], member);
    },
    async call(name: string, input: Readonly<Record<string, string>> = {}): Promise<Loose> {
      const first = await fetchOnce(name, input);
      if (first.status !== 401) return { status: first.status, body: await first.json() };
      await first.body?.cancel();
      await askForTokens({ grant_type: "refresh_token", refresh_token: tokens.refresh_token });
      const second = await fetchOnce(name, input);
      return { status: second.status, body: await second.json() };
    },
  };
}

test("a Custom GPT imports the document, signs its person in and keeps their to-dos, past the life of its token", async () => {
  const gpt = await createGpt(`${host.url}/openapi.json`);
  for (const { operation } of gpt.operations.values()) {
    assert.ok(operation.parameters?.every((parameter: Loose) => parameter.in === "query") ?? operation.requestBody, operation.operationId);
  }
  await gpt.signIn("ann@example.com");
  assert.equal((await gpt.call("identity_profile")).body.email, "ann@example.com");
  const { body: todo } = await gpt.call("create_todo", { title: "Ask the GPT" });
  assert.deepEqual(
    (await gpt.call("list_todos", { status: "open", limit: "10" })).body.todos.map(({ id }: Loose) => id),
    [todo.id],
  );
  clock.advance(2 * HOUR);
  assert.equal((await gpt.call("complete_todo", { id: todo.id })).body.completed, true);
  assert.deepEqual((await gpt.call("list_todos", { status: "open" })).body.todos, []);
  assert.equal((await gpt.call("get_todo", { id: todo.id.replace(/.$/, todo.id.endsWith("0") ? "1" : "0") })).status, 404);
});

test("another person's GPT sees their own to-dos alone", async () => {
  const gpt = await createGpt(`${host.url}/actions/openapi.json`);
  await gpt.signIn("ben@example.com");
  assert.deepEqual((await gpt.call("list_todos", { status: "all" })).body.todos, []);
});

test("a token for one surface is none for the other", async () => {
  const { accessToken: forMcp } = await connect(host.url, { parameters: { resource: `${host.url}/mcp` } });
  const { accessToken: forActions } = await connect(host.url, { client: DEVELOPMENT_GPT });
  const action = await fetch(`${host.url}/actions/list_todos`, { headers: { authorization: `Bearer ${forMcp}` } });
  assert.equal(action.status, 401);
  assert.match(action.headers.get("www-authenticate") ?? "", /error="invalid_token"/);
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" });
  const headers = {
    authorization: `Bearer ${forActions}`,
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
  };
  const mcp = await fetch(`${host.url}/mcp`, { method: "POST", headers, body });
  assert.equal(mcp.status, 401);
  assert.match(mcp.headers.get("www-authenticate") ?? "", /error="invalid_token"/);
  await Promise.all([action.body?.cancel(), mcp.body?.cancel()]);
});
