import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { z } from "zod";
import { InputRequired } from "../../../shared/capabilities/ask.ts";
import { type Access, type CapabilityDefinition, CapabilityError, defineCapability } from "../../../shared/capabilities/capability.ts";
import { type Answer, answer, type ContentBlock } from "../../../shared/capabilities/content.ts";
import { createContext } from "../../../shared/capabilities/context.ts";
import { registryOf } from "../../../shared/capabilities/registry.ts";
import { ANN, BEN, type Calls, createLines, failsWith, openCalls, origin } from "./calls.mts";

let calls: Calls;
before(async () => {
  calls = await openCalls();
});
after(() => calls.service.close());

function compiled(definition: CapabilityDefinition) {
  const [capability] = registryOf([{ capabilities: [definition] }]).catalog.capabilities;
  assert.ok(capability);
  return capability;
}

function withAccess(scopes: Access): CapabilityDefinition {
  return defineCapability({
    name: "who",
    title: "Who",
    description: "Use this when you test.",
    scopes,
    effect: "read",
    input: z.object({ limit: z.int().max(10).default(5).describe("A number."), tags: z.array(z.string()).optional().describe("Tags.") }),
    output: z.object({ who: z.string(), limit: z.number() }),
    run: ({ limit }, { caller }) => ({ who: caller?.subject ?? "nobody", limit }),
  });
}

test("a public capability runs without a caller and with one", async () => {
  const capability = compiled(withAccess("public"));
  assert.deepEqual(await capability.call({}, createContext(calls.service, undefined, origin())), {
    output: { who: "nobody", limit: 5 },
    content: [],
  });
  assert.deepEqual(await capability.call({}, createContext(calls.service, ANN, origin())), {
    output: { who: "ann", limit: 5 },
    content: [],
  });
});

test("a capability without scopes takes any signed-in person and nobody else", async () => {
  const capability = compiled(withAccess([]));
  const nobody = { ...ANN, scopes: new Set<string>() };
  assert.equal((await capability.call({}, createContext(calls.service, nobody, origin()))).output?.["who"], "ann");
  await assert.rejects(async () => capability.call({}, createContext(calls.service, undefined, origin())), failsWith("unauthenticated"));
});

test("missing one scope names all that are needed, before the input is looked at", async () => {
  const capability = compiled(withAccess(["todos:read", "todos:write"]));
  const reader = { ...ANN, scopes: new Set(["todos:read"]) };
  await assert.rejects(
    async () => capability.call({ limit: "no number" }, createContext(calls.service, reader, origin())),
    (error) => {
      assert.ok(error instanceof CapabilityError);
      assert.equal(error.code, "insufficient_scope");
      assert.deepEqual(error.scopes, ["todos:read", "todos:write"]);
      return true;
    },
  );
});

test("absent arguments are an empty input", async () => {
  const capability = compiled(withAccess("public"));
  assert.equal((await capability.call(undefined, createContext(calls.service, undefined, origin()))).output?.["limit"], 5);
});

for (const [what, input, field, message] of [
  ["an unknown member", { colour: "red" }, "colour", /is not known here/],
  ["a wrong type", { limit: "many" }, "limit", /expected number/],
  ["a number out of range", { limit: 11 }, "limit", /<=10/],
  ["a wrong element", { tags: ["a", 2] }, "tags[1]", /expected string/],
  ["a list instead of an object", [], "", /expected object/],
  ["a text instead of an object", "limit", "", /expected object/],
] as const) {
  test(`${what} is refused by its field`, async () => {
    const capability = compiled(withAccess("public"));
    await assert.rejects(
      async () => capability.call(input, createContext(calls.service, undefined, origin())),
      (error) => {
        assert.ok(error instanceof CapabilityError && error.code === "invalid_input");
        assert.equal(error.faults.length, 1);
        assert.equal(error.faults[0]?.field, field);
        assert.match(error.faults[0]?.message ?? "", message);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

test("all faults of an input come together, and long made-up names are cut", async () => {
  const unknown = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`${"x".repeat(5_000)}${index}`, 1]));
  const capability = compiled(withAccess("public"));
  await assert.rejects(
    async () => capability.call({ ...unknown, limit: 99 }, createContext(calls.service, undefined, origin())),
    (error) => {
      assert.ok(error instanceof CapabilityError);
      assert.equal(error.faults[0]?.field, "limit");
      assert.equal(error.faults.length, 20);
      assert.ok(error.message.length < 3_000);
      return true;
    },
  );
});

test("an output that does not fit is a fault of ours, logged with its places and without its data", async () => {
  const { log, lines } = createLines();
  const capability = compiled(
    defineCapability({
      name: "leaky",
      title: "Leaky",
      description: "Use this when you test.",
      scopes: "public",
      effect: "read",
      input: z.object({}),
      output: z.object({ items: z.array(z.object({ count: z.number() })) }),
      run: () => ({ items: [{ count: 1 }, { count: "a-secret" as unknown as number }] }),
    }),
  );
  await assert.rejects(
    async () => capability.call({}, createContext({ ...calls.service, log }, undefined, origin())),
    failsWith("internal"),
  );
  assert.deepEqual(
    lines.map(({ fields }) => fields),
    [{ request: "request-1", capability: "leaky", places: ["items[1].count: invalid_type"] }],
  );
  assert.ok(!JSON.stringify(lines).includes("a-secret"));
});

test("members that an output schema does not name are left out", async () => {
  const capability = compiled({
    ...withAccess("public"),
    run: () => ({ who: "x", limit: 1, hidden: "a-secret" }),
  });
  assert.deepEqual(await capability.call({}, createContext(calls.service, undefined, origin())), {
    output: { who: "x", limit: 1 },
    content: [],
  });
});

const PICTURE: ContentBlock = { type: "image", data: "aa==", mimeType: "image/png" };

/** A capability that gives what it is told to. */
function giving(result: unknown, output?: z.ZodObject): CapabilityDefinition {
  const { output: _, ...rest } = withAccess("public");
  return { ...rest, run: () => result as Answer<never>, ...(output ? { output } : {}) };
}

test("content stands beside an output, or alone where none is declared", async () => {
  const context = createContext(calls.service, undefined, origin());
  const both = compiled(giving(answer([PICTURE], { n: 1, more: 2 }), z.object({ n: z.number() })));
  assert.deepEqual(await both.call({}, context), { output: { n: 1 }, content: [PICTURE] });
  const alone = compiled(giving(answer([PICTURE])));
  assert.equal(alone.outputSchema, undefined);
  assert.deepEqual(await alone.call({}, context), { content: [PICTURE] });
});

for (const [what, definition] of [
  ["an output that is not declared", giving({ n: 1 })],
  ["an output that is not declared beside content", giving(answer([PICTURE], { n: 1 }))],
  ["nothing where content is declared", giving(undefined)],
  ["content alone where an output is declared", giving(answer([PICTURE]), z.object({ n: z.number() }))],
] as const) {
  test(`${what} is a fault of ours, and logged`, async () => {
    const { log, lines } = createLines();
    const context = createContext({ ...calls.service, log }, undefined, origin());
    await assert.rejects(async () => compiled(definition).call({}, context), failsWith("internal"));
    assert.deepEqual([lines.length, lines[0]?.fields["capability"]], [1, "who"]);
  });
}

/** Notes what it does, in order. */
function preparing(steps: unknown[]): CapabilityDefinition {
  return {
    ...withAccess([]),
    prepare(input) {
      steps.push(["prepare", input]);
      return Promise.resolve("ready");
    },
    run(input, _context, prepared) {
      steps.push(["run", input, prepared]);
      return { who: "x", limit: 1 };
    },
  };
}

test("what is prepared is prepared once, after the checks and before the run, which may come later", async () => {
  const steps: unknown[] = [];
  const capability = compiled(preparing(steps));
  const context = createContext(calls.service, ANN, origin());
  const { run } = await capability.prepare({ limit: 3 }, context);
  assert.deepEqual(steps, [["prepare", { limit: 3 }]]);
  assert.deepEqual((await run(createContext(calls.service, ANN, origin()))).output, { who: "x", limit: 1 });
  assert.deepEqual(steps, [
    ["prepare", { limit: 3 }],
    ["run", { limit: 3 }, "ready"],
  ]);
  steps.length = 0;
  await capability.call({ limit: 4 }, context);
  assert.deepEqual(steps, [
    ["prepare", { limit: 4 }],
    ["run", { limit: 4 }, "ready"],
  ]);
});

test("nothing is prepared for a stranger or for an input that is not valid", async () => {
  const steps: unknown[] = [];
  const capability = compiled(preparing(steps));
  await assert.rejects(capability.prepare({}, createContext(calls.service, undefined, origin())), failsWith("unauthenticated"));
  await assert.rejects(capability.prepare({ limit: 99 }, createContext(calls.service, ANN, origin())), failsWith("invalid_input"));
  assert.deepEqual(steps, []);
});

test("what waits for another request passes through a call", async () => {
  const capability = compiled({ ...withAccess("public"), run: () => Promise.reject(new InputRequired()) });
  await assert.rejects(async () => capability.call({}, createContext(calls.service, undefined, origin())), InputRequired);
});

test("a capability says what its definition leaves open", () => {
  const plain = compiled(withAccess("public"));
  assert.deepEqual(plain.surfaces, ["mcp", "actions"]);
  assert.deepEqual([plain.openWorld, plain.singleUseAnswers, plain.longRunning, plain.headerParameters], [false, false, undefined, []]);
  const input = z.object({ region: z.string().describe("Where.").meta({ "x-mcp-header": "Region" }) });
  const said = compiled({ ...withAccess("public"), input, openWorld: true, singleUseAnswers: true, surfaces: ["actions"] });
  assert.deepEqual([said.openWorld, said.singleUseAnswers, said.surfaces], [true, true, ["actions"]]);
  assert.deepEqual(said.headerParameters, [{ header: "Region", path: ["region"], type: "string" }]);
});

test("records are their caller's own, and no name reaches the service's records", async () => {
  const anyRecord = z.unknown();
  const ann = createContext(calls.service, ANN, origin()).records("note", anyRecord);
  const ben = createContext(calls.service, BEN, origin()).records("note", anyRecord);
  assert.equal(await ann.create("1", "hers"), true);
  assert.equal(await ben.get("1"), undefined);
  assert.deepEqual((await ben.list()).entries, []);
  assert.equal(await ben.take("1"), undefined);
  assert.equal((await ann.get("1"))?.value, "hers");

  await calls.service.store.create({ name: "grant", codec: anyRecord }, { owner: "ann", id: "g" }, "a grant", null);
  assert.equal(await createContext(calls.service, ANN, origin()).records("grant", anyRecord).get("g"), undefined);
  assert.throws(() => createContext(calls.service, ANN, origin()).records("../grant", anyRecord), /cannot name a kind/);
});

test("records without a caller are forbidden", () => {
  assert.throws(() => createContext(calls.service, undefined, origin()).records("note", z.unknown()), failsWith("forbidden"));
});

test("the health check answers anyone with version and time", async () => {
  const capability = calls.service.registry.catalog.findCapability("health_check");
  const { output } = (await capability?.call(undefined, createContext(calls.service, undefined, origin()))) ?? {};
  assert.deepEqual(Object.keys(output ?? {}), ["status", "version", "time"]);
  assert.ok(Math.abs(Date.parse(String(output?.["time"])) - calls.clock()) < 1_000);
});

test("the profile is what the grant knows, and only the id for a machine client", async () => {
  assert.deepEqual(await calls.call("identity_profile"), { sub: "ann", email: "ann@example.com", email_verified: true, name: "Ann" });
  const { profile: _, authTime: __, ...machine } = ANN;
  assert.equal(JSON.stringify(await calls.call("identity_profile", {}, machine)), '{"sub":"ann"}');
  assert.equal((await calls.call("auth_session", {}, machine)).auth_time, undefined);
});

test("the session says what the token says, with times in ISO 8601", async () => {
  assert.deepEqual(await calls.call("auth_session"), {
    subject: "ann",
    client_id: "a-client",
    scopes: ["email", "openid", "profile", "todos:read", "todos:write"],
    audience: "http://localhost:4000/actions",
    issued_at: "2027-01-15T08:00:00.000Z",
    expires_at: "2027-01-15T09:00:00.000Z",
    auth_time: "2027-01-15T07:43:20.000Z",
  });
});
