import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { type Ask, type InputRequest, InputRequired, type Interaction } from "../../../shared/capabilities/ask.ts";
import { createAsk, refusingAsk } from "../../../shared/capabilities/asking.ts";
import { CapabilityError } from "../../../shared/capabilities/capability.ts";
import type { ObjectSchema, Shape } from "../../../shared/capabilities/content.ts";
import { rawSchema } from "../../../shared/capabilities/raw-schema.ts";
import { failsWith } from "./calls.mts";

/** An asker whose client answers as it is told; what was asked is kept. */
function asking(answer: unknown, supported: readonly Interaction[] = ["form", "url", "sampling", "roots"]) {
  const asked: [string, InputRequest][] = [];
  const ask = createAsk({
    supports: (interaction) => supported.includes(interaction),
    async put(key, request, read) {
      asked.push([key, request]);
      return read(answer);
    },
  });
  return { ask, asked };
}

const QUESTIONS: readonly (readonly [Interaction, (ask: Ask) => Promise<unknown>])[] = [
  ["form", (ask) => ask.form("one", "Well?", z.object({}))],
  ["url", (ask) => ask.url("one", "Look.", "https://a.example/")],
  ["sampling", (ask) => ask.sample("one", { messages: [], maxTokens: 1 })],
  ["roots", (ask) => ask.roots("one")],
];

for (const [interaction, question] of QUESTIONS) {
  test(`a client that did not declare ${interaction} is not asked, and the error says what it lacks`, async () => {
    const { ask, asked } = asking({}, []);
    assert.equal(ask.supports(interaction), false);
    await assert.rejects(question(ask), (error) => {
      assert.ok(error instanceof CapabilityError);
      assert.deepEqual([error.code, error.interaction], ["client_capability", interaction]);
      return true;
    });
    assert.deepEqual(asked, []);
  });

  test(`over REST ${interaction} is refused with where to go`, async () => {
    assert.equal(refusingAsk.supports(interaction), false);
    await assert.rejects(question(refusingAsk), (error) => failsWith("interaction_required")(error) && /MCP/.test(String(error)));
  });

  test(`what waits for another request passes through ${interaction}`, async () => {
    const ask = createAsk({ supports: () => true, put: () => Promise.reject(new InputRequired()) });
    await assert.rejects(question(ask), InputRequired);
  });

  test(`an answer to ${interaction} that is none is refused under its key`, async () => {
    for (const wrong of [undefined, null, 7, [], { action: "maybe" }, { roots: [{}] }, { role: "user", content: 1, model: "m" }]) {
      await assert.rejects(question(asking(wrong).ask), (error) => {
        assert.ok(error instanceof CapabilityError && error.code === "invalid_input");
        assert.match(error.faults[0]?.field ?? "", /^one/);
        return true;
      });
    }
  });
}

test("questions asked together are put together, before any of them is answered", async () => {
  const { ask, asked } = asking({ action: "decline" });
  const all = Promise.all([ask.form("a", "A?", z.object({})), ask.url("b", "B.", "https://b.example/")]);
  assert.deepEqual(
    asked.map(([key]) => key),
    ["a", "b"],
  );
  assert.deepEqual(await all, [{ action: "decline" }, { action: "decline" }]);
});

test("a key that is none is a fault of the author", async () => {
  await assert.rejects(asking({}).ask.roots("Not a key"), /cannot be the key of a question/);
});

const FIELDS = z.object({
  name: z.string().min(2).regex(/^\D+$/).describe("Whose."),
  mail: z.email().optional(),
  site: z.url().optional(),
  day: z.iso.date().optional(),
  at: z.iso.datetime().optional(),
  id: z.uuid().optional(),
  age: z.int().min(0).max(150).default(30),
  score: z.number().positive().optional(),
  sure: z.boolean().default(true),
  status: z.enum(["open", "closed"]).meta({ title: "Status" }).default("open"),
  tags: z
    .array(z.enum(["a", "b"]))
    .min(1)
    .max(2)
    .optional(),
});

test("zod fields become a form that every client knows", async () => {
  const { ask, asked } = asking({ action: "cancel" });
  await ask.form("who", "Who?", FIELDS);
  assert.deepEqual(asked[0]?.[1], {
    method: "elicitation/create",
    params: {
      mode: "form",
      message: "Who?",
      requestedSchema: {
        type: "object",
        properties: {
          name: { type: "string", minLength: 2, description: "Whose." },
          mail: { type: "string", format: "email" },
          site: { type: "string", format: "uri" },
          day: { type: "string", format: "date" },
          at: { type: "string", format: "date-time" },
          id: { type: "string" },
          age: { type: "integer", minimum: 0, maximum: 150, default: 30 },
          score: { type: "number" },
          sure: { type: "boolean", default: true },
          status: { type: "string", enum: ["open", "closed"], title: "Status", default: "open" },
          tags: { type: "array", minItems: 1, maxItems: 2, items: { type: "string", enum: ["a", "b"] } },
        },
        required: ["name"],
      },
    },
  });
});

test("what a person filled in is checked by all that zod knows, and defaults fill the rest", async () => {
  const accepted = await asking({ action: "accept", content: { name: "Ann", tags: ["a"] } }).ask.form("who", "Who?", FIELDS);
  assert.deepEqual(accepted, {
    action: "accept",
    content: { name: "Ann", tags: ["a"], age: 30, sure: true, status: "open" },
  });
  for (const [content, field] of [
    [{}, "who.content.name"],
    [{ name: "R2" }, "who.content.name"],
    [{ name: "Ann", score: -1 }, "who.content.score"],
    [{ name: "Ann", id: "1" }, "who.content.id"],
    [{ name: "Ann", tags: ["c"] }, "who.content.tags[0]"],
  ] as const) {
    await assert.rejects(asking({ action: "accept", content }).ask.form("who", "Who?", FIELDS), (error) => {
      assert.ok(error instanceof CapabilityError && error.code === "invalid_input");
      assert.equal(error.faults[0]?.field, field);
      return true;
    });
  }
});

test("content of a form that was declined is not looked at", async () => {
  const declined = await asking({ action: "decline", content: { name: 1 } }).ask.form("who", "Who?", FIELDS);
  assert.deepEqual(declined, { action: "decline" });
});

const RAW: ObjectSchema = {
  type: "object",
  properties: {
    name: { type: "string", minLength: 2, maxLength: 9, default: "John Doe" },
    mail: { type: "string", format: "email" },
    untitled: { type: "string", enum: ["a", "b"] },
    titled: { type: "string", oneOf: [{ const: "a", title: "A" }] },
    legacy: { type: "string", enum: ["a"], enumNames: ["A"] },
    many: { type: "array", minItems: 1, maxItems: 2, items: { type: "string", enum: ["a", "b"] }, default: ["a"] },
    manyTitled: { type: "array", items: { anyOf: [{ const: "a", title: "A" }] } },
    count: { type: "integer", minimum: 1, maximum: 3 },
    sure: { type: "boolean", default: false },
  },
  required: ["name"],
};

test("a raw form is asked as it was written, its answers checked and its defaults filled in", async () => {
  const { ask, asked } = asking({ action: "accept", content: { titled: "a", manyTitled: ["a"], mail: "ann@example.com" } });
  const accepted = await ask.form("raw", "Well?", rawSchema(RAW));
  assert.equal(asked[0]?.[1].params["requestedSchema"], RAW);
  assert.deepEqual(accepted, {
    action: "accept",
    content: { name: "John Doe", many: ["a"], sure: false, titled: "a", manyTitled: ["a"], mail: "ann@example.com" },
  });
  for (const content of [{ name: "x" }, { titled: "b" }, { many: [] }, { manyTitled: ["b"] }, { count: 4 }, { mail: "ann" }, { sure: 1 }]) {
    await assert.rejects(asking({ action: "accept", content }).ask.form("raw", "Well?", rawSchema(RAW)), failsWith("invalid_input"));
  }
});

for (const [what, fields] of [
  ["an object", z.object({ bad: z.object({}) })],
  ["a list of texts", z.object({ bad: z.array(z.string()) })],
  ["a union", z.object({ bad: z.union([z.string(), z.number()]) })],
  ["what may be null", z.object({ bad: z.string().nullable() })],
  ["an enumeration of numbers", rawSchema({ type: "object", properties: { bad: { type: "number", enum: [1] } } })],
  ["a pattern", rawSchema({ type: "object", properties: { bad: { type: "string", pattern: "a" } } })],
  ["a format that clients do not know", rawSchema({ type: "object", properties: { bad: { type: "string", format: "uuid" } } })],
  ["options without titles", rawSchema({ type: "object", properties: { bad: { type: "string", oneOf: [{ const: "a" }] } } })],
  ["a list that says more of its elements", raw({ type: "array", items: { type: "string", enum: ["a"], minLength: 1 } })],
  ["an enumeration of nothing", raw({ type: "string", enum: [] })],
  ["a constant", raw({ type: "string", const: "a" })],
] as const satisfies readonly (readonly [string, Shape])[]) {
  test(`a form with ${what} is a fault of the author that names the field`, async () => {
    const { ask, asked } = asking({ action: "accept" });
    await assert.rejects(ask.form("one", "Well?", fields), (error) => !(error instanceof CapabilityError) && /"bad"/.test(String(error)));
    assert.deepEqual(asked, []);
  });
}

function raw(bad: object): Shape {
  return rawSchema({ type: "object", properties: { bad } });
}

test("a form that says more than its fields is a fault of the author", async () => {
  const fields = rawSchema({ type: "object", properties: {}, anyOf: [{ required: ["a"] }] });
  await assert.rejects(asking({}).ask.form("one", "Well?", fields), /the form has anyOf/);
});

test("a page to open is asked for by its address, which must be one", async () => {
  const { ask, asked } = asking({ action: "accept", content: { more: 1 } });
  assert.deepEqual(await ask.url("pay", "Pay there.", "https://a.example/pay"), { action: "accept" });
  assert.deepEqual(asked, [
    ["pay", { method: "elicitation/create", params: { mode: "url", message: "Pay there.", url: "https://a.example/pay" } }],
  ]);
  await assert.rejects(ask.url("pay", "Pay there.", "/pay"), /is no URL/);
});

test("a request to the model goes out as it is, and its answer comes back whole", async () => {
  const answer = { role: "assistant", content: { type: "text", text: "Paris" }, model: "m-1", stopReason: "endTurn", _meta: { a: 1 } };
  const { ask, asked } = asking(answer);
  const request = {
    messages: [{ role: "user", content: { type: "text", text: "The capital?" } }],
    maxTokens: 100,
    modelPreferences: { speedPriority: 1 },
  } as const;
  assert.deepEqual(await ask.sample("capital", request), answer);
  assert.deepEqual(asked, [["capital", { method: "sampling/createMessage", params: request }]]);
});

test("a model may answer with several pieces, each whole", async () => {
  const sampled = (content: unknown) => asking({ role: "assistant", model: "m", content }).ask.sample("s", { messages: [], maxTokens: 1 });
  const pieces = [
    { type: "text", text: "a" },
    { type: "image", data: "aa==", mimeType: "image/png" },
    { type: "tool_use", id: "1", name: "t", input: {} },
  ];
  assert.deepEqual((await sampled(pieces)).content, pieces);
  for (const wrong of [{ type: "text" }, [{ type: "image", data: "aa==" }], [{}], "text"]) {
    await assert.rejects(sampled(wrong), failsWith("invalid_input"));
  }
});

test("roots come as a list of addresses and names", async () => {
  const { ask, asked } = asking({ roots: [{ uri: "file:///a", name: "A", _meta: {} }, { uri: "file:///b" }] });
  assert.deepEqual(await ask.roots("roots"), [{ uri: "file:///a", name: "A" }, { uri: "file:///b" }]);
  assert.deepEqual(asked, [["roots", { method: "roots/list", params: {} }]]);
});
