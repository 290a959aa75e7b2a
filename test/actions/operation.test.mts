import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { after, before, describe, test } from "node:test";
import { z } from "zod";
import { defineCapability } from "../../shared/capabilities/capability.ts";
import { HOSTS, type TestHost } from "../support/host.mts";
import { connect, DEVELOPMENT_GPT } from "../support/oauth.mts";

// biome-ignore lint/suspicious/noExplicitAny: tests read whatever came.
type Body = any;

const base = { title: "Test", scopes: "public", effect: "read" } as const;
const CAPABILITIES = [
  defineCapability({
    ...base,
    name: "look_up",
    description: "Use this when you test an input that is not flat.",
    input: z.object({ where: z.object({ city: z.string() }).describe("Where.") }),
    output: z.object({ found: z.string() }),
    run: ({ where }) => ({ found: where.city }),
  }),
  defineCapability({
    ...base,
    name: "plan",
    aliases: ["make_plan"],
    description: "Use this when you test a query.",
    input: z.object({
      days: z.array(z.iso.date()).optional().describe("Days."),
      open: z.boolean().optional().describe("Whether."),
      part: z.number().optional().describe("How much."),
      at: z.iso.datetime().optional().describe("When."),
    }),
    output: z.object({ given: z.record(z.string(), z.unknown()) }),
    run: (given) => ({ given }),
  }),
  defineCapability({
    ...base,
    name: "shout",
    effect: "write",
    description: "Use this when you test a public write.",
    input: z.object({}),
    output: z.object({}),
    run: () => ({}),
  }),
  defineCapability({
    ...base,
    name: "count",
    description: "Use this when you test long answers.",
    input: z.object({ cursor: z.string().optional().describe("The next_cursor of the page before.") }),
    output: z.object({
      items: z.array(z.object({ id: z.number(), text: z.string() })),
      next_cursor: z.string().optional(),
      note: z.string().optional(),
    }),
    paging: { list: "items", cursorAfter: (kept, { items }) => String((items[kept - 1]?.id ?? 0) + 1) },
    run: ({ cursor = "0" }) => ({
      items: Array.from({ length: 500 - Number(cursor) }, (_, index) => ({ id: Number(cursor) + index, text: "\n".repeat(200) })),
    }),
  }),
];

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

for (const { host: name, start } of HOSTS) {
  describe(`Actions on ${name}`, () => {
    let host: TestHost;
    let accessToken: string;
    before(async () => {
      host = await start({ env: { CAPABILITIES: "core todos" }, providers: [{ start: () => ({ capabilities: CAPABILITIES }) }] });
      ({ accessToken } = await connect(host.url, { client: DEVELOPMENT_GPT }));
    });
    after(() => host.close());

    async function call(path: string, init: RequestInit = {}, token: string | undefined = accessToken): Promise<Answer> {
      const headers = new Headers(init.headers);
      if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
      const response = await fetch(`${host.url}/actions/${path}`, { ...init, headers });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) };
    }

    function post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
      const text = typeof body === "string" ? body : JSON.stringify(body);
      return call(path, { method: "POST", body: text, headers: { "content-type": "application/json", ...headers } });
    }

    /** What every problem document is (RFC 9457). */
    function assertProblem(answer: Answer, status: number, detail: RegExp): void {
      assert.equal(answer.status, status);
      assert.equal(answer.headers.get("content-type"), "application/problem+json");
      assert.equal(answer.headers.get("cache-control"), "no-store");
      assert.equal(answer.body.type, "about:blank");
      assert.equal(answer.body.status, status);
      assert.equal(answer.body.request_id, answer.headers.get("x-request-id"));
      assert.match(answer.body.detail, detail);
    }

    test("a read takes typed query parameters", async () => {
      const { id } = (await post("create_todo", { title: "Milk" })).body;
      const listed = await call("list_todos?limit=1&status=open");
      assert.equal(listed.status, 200);
      assert.equal(listed.headers.get("content-type"), "application/json");
      assert.deepEqual(
        listed.body.todos.map((todo: Body) => todo.id),
        [id],
      );
    });

    test("HEAD on a read has the headers of GET and no body", async () => {
      const get = await fetch(`${host.url}/actions/session`, { headers: { authorization: `Bearer ${accessToken}` } });
      const head = await fetch(`${host.url}/actions/session`, { method: "HEAD", headers: { authorization: `Bearer ${accessToken}` } });
      assert.equal(head.status, 200);
      assert.equal(head.headers.get("content-length"), String((await get.text()).length));
      assert.equal(await head.text(), "");
    });

    test("a read is for its caller alone and can be asked whether it still holds", async () => {
      const first = await call("profile");
      assert.equal(first.headers.get("cache-control"), "private, no-cache");
      assert.match(first.headers.get("vary") ?? "", /^authorization\b/);
      const etag = first.headers.get("etag") ?? "";
      assert.match(etag, /^"[\w-]{43}"$/);
      const same = await call("profile", { headers: { "if-none-match": `"other", ${etag}` } });
      assert.deepEqual([same.status, same.body, same.headers.get("etag")], [304, undefined, etag]);
      assert.equal((await call("profile", { method: "HEAD", headers: { "if-none-match": etag } })).status, 304);
      assert.equal((await call("profile", { headers: { "if-none-match": '"other"' } })).status, 200);
    });

    test("what a read gives has another tag once it has changed, and a write has none", async () => {
      const before = (await call("list_todos")).headers.get("etag");
      const written = await post("create_todo", { title: "Tagged" });
      assert.equal(written.headers.get("etag"), null);
      assert.equal(written.headers.get("cache-control"), "no-store");
      const after = await call("list_todos", { headers: { "if-none-match": before ?? "" } });
      assert.equal(after.status, 200);
      assert.notEqual(after.headers.get("etag"), before);
    });

    test("a read whose input does not fit into a query takes a body", async () => {
      const refused = await call("look_up?where=x");
      assertProblem(refused, 405, /POST/);
      const answer = await post("look_up", { where: { city: "Bern" } });
      assert.deepEqual([answer.status, answer.body, answer.headers.get("etag")], [200, { found: "Bern" }, null]);
    });

    test("a body with more in it than any operation asks is refused before it is looked at", async () => {
      assertProblem(await post("look_up", `[${"1,".repeat(40_000)}1]`), 400, /more than 10000 values/);
      assertProblem(await post("look_up", `${"[".repeat(40_000)}${"]".repeat(40_000)}`), 400, /nested more than 64 deep/);
      assertProblem(await post("look_up", JSON.stringify({ where: { city: "[{,".repeat(10_000) }, more: 1 })), 400, /more/);
    });

    test("lists, booleans and dates come through a query", async () => {
      const query = "days=2026-01-02&days=2026-01-03&open=false&part=0.5&at=2026-01-02T03:04:05Z";
      const { status, body } = await call(`plan?${query}`);
      assert.equal(status, 200);
      assert.deepEqual(body, { given: { days: ["2026-01-02", "2026-01-03"], open: false, part: 0.5, at: "2026-01-02T03:04:05Z" } });
      assert.deepEqual((await call("plan?days=2026-01-02")).body, { given: { days: ["2026-01-02"] } });
      const refused = await call("plan?days=tomorrow&open=maybe&at=now");
      assertProblem(refused, 400, /not valid/);
      assert.deepEqual(refused.body.faults.map((fault: Body) => fault.field).sort(), ["at", "days[0]", "open"]);
    });

    test("an old name is answered like the new one, and not shown", async () => {
      assert.deepEqual((await call("make_plan?open=true")).body, { given: { open: true } });
      assert.doesNotMatch(JSON.stringify((await call("openapi.json")).body), /make_plan/);
    });

    test("a write with an idempotency key is done once", async () => {
      const headers = { "idempotency-key": `"once-${name.length}"` };
      const first = await post("create_todo", { title: "Once" }, headers);
      const again = await post("create_todo", { title: "Once" }, { "idempotency-key": `once-${name.length}` });
      assert.equal(first.status, 200);
      assert.deepEqual(again.body, first.body);
      assertProblem(await post("create_todo", { title: "Twice" }, headers), 422, /another input/);
      assertProblem(await post("create_todo", { title: "Once" }, { "idempotency-key": "a b" }), 400, /255 visible/);
      const { todos } = (await call("list_todos")).body;
      assert.equal(todos.filter((todo: Body) => todo.title === "Once").length, 1);
    });

    test("twice at once with one idempotency key is once", async () => {
      const headers = { "idempotency-key": `at-once-${name.length}` };
      const answers = await Promise.all(Array.from({ length: 5 }, () => post("create_todo", { title: "At once" }, headers)));
      assert.deepEqual(new Set(answers.map(({ status, body }) => `${status} ${body.id}`)).size, 1);
    });

    test("an idempotency key needs a person, and a read needs none", async () => {
      const refused = await fetch(`${host.url}/actions/shout`, { method: "POST", headers: { "idempotency-key": "x" } });
      assert.equal(refused.status, 401);
      await refused.body?.cancel();
      assert.equal((await call("list_todos", { headers: { "idempotency-key": "a b" } })).status, 200);
    });

    test("what is too long is cut with a note, and the rest comes with the cursor", async () => {
      const ids: number[] = [];
      let cursor: string | undefined;
      let pages = 0;
      do {
        const { status, body } = await call(`count${cursor === undefined ? "" : `?cursor=${cursor}`}`);
        assert.equal(status, 200);
        assert.ok(JSON.stringify(body).length < 100_000);
        assert.equal(body.note !== undefined, body.next_cursor !== undefined);
        ids.push(...body.items.map((item: Body) => item.id));
        cursor = body.next_cursor;
        pages += 1;
      } while (cursor !== undefined);
      assert.deepEqual(
        ids,
        Array.from({ length: 500 }, (_, id) => id),
      );
      assert.equal(pages, 3);
    });

    test("names and paths answer alike", async () => {
      assert.deepEqual((await call("profile")).body, (await call("identity_profile")).body);
      assert.deepEqual((await call("session")).body, (await call("auth_session")).body);
      assert.equal((await call("session")).body.audience, `${host.url}/actions`);
    });

    test("a public capability answers without a token, and refuses a bad one", async () => {
      const anonymous = await fetch(`${host.url}/actions/health_check`);
      assert.equal(anonymous.status, 200);
      assert.equal(((await anonymous.json()) as Body).status, "ok");
      assertProblem(await call("health_check", {}, "nonsense"), 401, /not valid here/);
    });

    test("without a token the challenge names metadata and scopes, and no error", async () => {
      const response = await fetch(`${host.url}/actions/session`);
      assert.equal(response.status, 401);
      assert.equal(
        response.headers.get("www-authenticate"),
        `Bearer resource_metadata="${host.url}/.well-known/oauth-protected-resource/actions", scope="email openid profile todos:read todos:write"`,
      );
    });

    test("a bad token and one for MCP are invalid_token", async () => {
      const bad = await call("session", {}, "nonsense");
      assertProblem(bad, 401, /not valid here/);
      assert.match(bad.headers.get("www-authenticate") ?? "", /error="invalid_token", error_description="/);

      const mcp = await connect(host.url, { parameters: { resource: `${host.url}/mcp` } });
      assertProblem(await call("session", {}, mcp.accessToken), 401, /another resource/);
    });

    test("too few scopes is a 403 that names all the operation needs, whatever the input", async () => {
      const narrow = await connect(host.url, { client: DEVELOPMENT_GPT, parameters: { scope: "openid" } });
      const refused = await call("profile?nonsense=1", {}, narrow.accessToken);
      assertProblem(refused, 403, /openid profile email/);
      assert.match(refused.headers.get("www-authenticate") ?? "", /error="insufficient_scope".*scope="openid profile email"$/);
    });

    test("faults of an input come field by field", async () => {
      const refused = await call("list_todos?limit=many&status=old&colour=red&cursor=a&cursor=b");
      assertProblem(refused, 400, /^The input is not valid\. /);
      assert.deepEqual(refused.body.faults.map((fault: Body) => fault.field).sort(), ["colour", "cursor", "limit", "status"]);
      const body = await post("create_todo", { titel: "Milk" });
      assert.deepEqual(body.body.faults, [
        { field: "title", message: "is required" },
        { field: "titel", message: "is not known here" },
      ]);
    });

    test("a parameter without a value is left out", async () => {
      assert.equal((await call("list_todos?cursor=&limit=2")).status, 200);
    });

    test("an empty body is an empty object", async () => {
      const refused = await call("create_todo", { method: "POST" });
      assert.deepEqual(refused.body.faults, [{ field: "title", message: "is required" }]);
    });

    test("a body that is not JSON, not UTF-8, not an object or of another type is refused", async () => {
      assertProblem(await post("create_todo", "{"), 400, /not JSON/);
      const bytes = new Uint8Array([0x22, 0xff, 0x22]);
      const headers = { "content-type": "application/json" };
      assertProblem(await call("create_todo", { method: "POST", headers, body: bytes }), 400, /not UTF-8/);
      assertProblem(await post("create_todo", []), 400, /expected object/);
      assertProblem(
        await post("create_todo", "title=Milk", { "content-type": "application/x-www-form-urlencoded" }),
        415,
        /application\/json/,
      );
      assertProblem(await post("create_todo", { title: "Milk" }, { "content-encoding": "gzip" }), 415, /compressed/);
    });

    test("a body with characters or bytes over the limit is a 413", async () => {
      assertProblem(await post("create_todo", { title: "x".repeat(100_001) }), 413, /100000 characters/);
      assertProblem(await post("create_todo", { title: "x".repeat(400_001) }), 413, /400000 bytes/);
      assertProblem(await post("create_todo", { title: "x".repeat(99_000) }), 400, /title/);
    });

    test("an unknown operation is a 404, another method a 405 that names the right one", async () => {
      for (const path of ["nothing", "constructor", "openapi", "list_todos%20"]) {
        assertProblem(await call(path), 404, /no such operation/);
      }
      const read = await post("list_todos", {});
      assertProblem(read, 405, /GET or HEAD/);
      assert.equal(read.headers.get("allow"), "GET, HEAD");
      const write = await call("create_todo?title=Milk");
      assertProblem(write, 405, /POST/);
      assert.equal(write.headers.get("allow"), "POST");
      assert.equal((await call("delete_todo", { method: "DELETE" })).headers.get("allow"), "POST");
    });

    test("what a capability does not find is a 404", async () => {
      assertProblem(await post("delete_todo", { id: "01890000-0000-7000-8000-000000000000" }), 404, /no to-do/);
    });

    test("a page of another origin may call with a token of its own, a name that is not the service's may not", async () => {
      assert.equal((await call("session", { headers: { origin: "https://somewhere.example" } })).status, 200);
      assert.equal(await statusUnder("rebound.example", "/actions/health_check"), 403);
      assert.equal(await statusUnder("rebound.example", "/health"), 200);
    });

    /** `fetch` does not let its caller name another host. */
    async function statusUnder(hostName: string, path: string): Promise<number | undefined> {
      const sent = request(`${host.url}${path}`, { headers: { host: hostName } }).end();
      const [response] = (await once(sent, "response")) as [IncomingMessage];
      response.resume();
      return response.statusCode;
    }
  });
}
