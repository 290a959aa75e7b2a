import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { sortableId } from "../../../shared/capabilities/sortable-id.ts";
import { SECOND } from "../../support/clock.mts";
import { BEN, type Calls, failsWith, type Output, openCalls } from "./calls.mts";

const UNKNOWN = "01890000-0000-7000-8000-000000000000";

let calls: Calls;
beforeEach(async () => {
  calls = await openCalls();
});
afterEach(() => calls.service.close());

function create(title: string, rest: Readonly<Record<string, unknown>> = {}): Promise<Output> {
  calls.clock.advance(1);
  return calls.call("create_todo", { title, ...rest });
}

/** All pages, each checked against the limit. */
async function titlesOf(input: Readonly<Record<string, unknown>>): Promise<string[]> {
  const titles: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await calls.call("list_todos", { ...input, ...(cursor ? { cursor } : {}) });
    assert.ok(page.todos.length <= ((input["limit"] as number | undefined) ?? 25));
    titles.push(...page.todos.map((todo: Output) => todo.title));
    cursor = page.next_cursor;
  } while (cursor !== undefined);
  return titles;
}

test("a to-do is created, read, changed, completed, opened again and deleted", async () => {
  const created = await create("  Milk ");
  assert.deepEqual(
    { ...created, id: "", created_at: "", updated_at: "" },
    {
      id: "",
      title: "Milk",
      notes: "",
      completed: false,
      created_at: "",
      updated_at: "",
    },
  );
  const { id } = created;
  assert.deepEqual(await calls.call("get_todo", { id }), created);

  calls.clock.advance(SECOND);
  const changed = await calls.call("update_todo", { id, notes: "two\nlitres" });
  assert.equal(changed.title, "Milk");
  assert.equal(changed.notes, "two\nlitres");
  assert.equal(Date.parse(changed.updated_at) - Date.parse(created.updated_at), SECOND);
  assert.equal(changed.created_at, created.created_at);

  calls.clock.advance(SECOND);
  const completed = await calls.call("complete_todo", { id });
  assert.equal(completed.completed, true);
  assert.equal(completed.completed_at, completed.updated_at);

  const opened = await calls.call("update_todo", { id, completed: false, notes: "" });
  assert.equal(opened.completed, false);
  assert.equal(opened.completed_at, undefined);
  assert.equal(opened.notes, "");

  assert.deepEqual(await calls.call("delete_todo", { id }), { deleted: opened });
  for (const name of ["get_todo", "complete_todo", "delete_todo"]) await assert.rejects(calls.call(name, { id }), failsWith("not_found"));
  await assert.rejects(calls.call("update_todo", { id, title: "x" }), failsWith("not_found"));
});

test("completing twice, or changing to what is there already, changes nothing more", async () => {
  const { id } = await create("Milk");
  const once = await calls.call("complete_todo", { id });
  calls.clock.advance(SECOND);
  assert.deepEqual(await calls.call("complete_todo", { id }), once);
  assert.deepEqual(await calls.call("update_todo", { id, title: "Milk", completed: true }), once);
});

test("a change that names nothing to change is refused", async () => {
  const { id } = await create("Milk");
  await assert.rejects(calls.call("update_todo", { id }), /at least one of title, notes and completed/);
});

test("another person's to-do is not found, listed, changed or deleted", async () => {
  const { id } = await create("Milk");
  for (const name of ["get_todo", "complete_todo", "delete_todo"])
    await assert.rejects(calls.call(name, { id }, BEN), failsWith("not_found"));
  assert.deepEqual(await calls.call("list_todos", {}, BEN), { todos: [] });
  assert.equal((await calls.call("get_todo", { id })).completed, false);
});

test("pages follow in the order of creation, without loss or repetition", async () => {
  const titles = Array.from({ length: 23 }, (_, index) => `to-do ${index}`);
  for (const title of titles) await create(title);
  for (const limit of [1, 7, 22, 23, 25]) assert.deepEqual(await titlesOf({ limit }), titles, `limit ${limit}`);
});

test("the last page has no cursor, also when it is full", async () => {
  for (const title of ["a", "b"]) await create(title);
  assert.equal((await calls.call("list_todos", { limit: 2 })).next_cursor, undefined);
});

test("a filter pages over what it leaves out", async () => {
  const ids: string[] = [];
  for (let index = 0; index < 20; index++) ids.push((await create(`to-do ${index}`)).id);
  for (const index of [3, 4, 5, 19]) await calls.call("complete_todo", { id: ids[index] });
  assert.deepEqual(await titlesOf({ status: "completed", limit: 3 }), ["to-do 3", "to-do 4", "to-do 5", "to-do 19"]);
  assert.equal((await titlesOf({ limit: 3 })).length, 16);
  assert.equal((await titlesOf({ status: "all", limit: 3 })).length, 20);
});

test("a filter that leaves out more than one call reads still ends at the last to-do", async () => {
  for (let index = 0; index < 1_100; index++) await create(`to-do ${index}`);
  const last = await create("the last");
  await calls.call("complete_todo", { id: last.id });
  const first = await calls.call("list_todos", { status: "completed" });
  assert.deepEqual(first.todos, []);
  assert.deepEqual((await calls.call("list_todos", { status: "completed", cursor: first.next_cursor })).todos.length, 1);
});

test("a page that goes on after a deleted to-do goes on at its place", async () => {
  for (const title of ["a", "b", "c", "d"]) await create(title);
  const page = await calls.call("list_todos", { limit: 2 });
  await calls.call("delete_todo", { id: page.next_cursor });
  const rest = await calls.call("list_todos", { cursor: page.next_cursor });
  assert.deepEqual(
    rest.todos.map((todo: Output) => todo.title),
    ["c", "d"],
  );
});

test("changes at the same time all take effect or say that they did not", async () => {
  const { id } = await create("Milk");
  const changes = [{ title: "Oat milk" }, { notes: "two" }, { completed: true }];
  await Promise.all(changes.map((change) => calls.call("update_todo", { id, ...change })));
  const todo = await calls.call("get_todo", { id });
  assert.deepEqual([todo.title, todo.notes, todo.completed], ["Oat milk", "two", true]);
});

test("of deletes at the same time exactly one has it", async () => {
  const { id } = await create("Milk");
  const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => calls.call("delete_todo", { id })));
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
});

for (const [what, input, field] of [
  ["an empty title", { title: "  " }, "title"],
  ["no title", {}, "title"],
  ["a title of 201 characters", { title: "x".repeat(201) }, "title"],
  ["a title of two lines", { title: "a\nb" }, "title"],
  ["half a surrogate pair", { title: "a\ud800" }, "title"],
  ["notes of 1,001 characters", { title: "a", notes: "x".repeat(1_001) }, "notes"],
  ["notes with a NUL", { title: "a", notes: "a\0b" }, "notes"],
] as const) {
  test(`${what} is refused`, async () => {
    await assert.rejects(calls.call("create_todo", input), (error: Output) => {
      assert.deepEqual(
        error.faults.map((fault: Output) => fault.field),
        [field],
      );
      return true;
    });
  });
}

test("an id or a cursor of another shape is refused, an unknown one is not found", async () => {
  await assert.rejects(calls.call("get_todo", { id: "1" }), failsWith("invalid_input"));
  await assert.rejects(calls.call("list_todos", { cursor: "1" }), failsWith("invalid_input"));
  await assert.rejects(calls.call("get_todo", { id: UNKNOWN }), failsWith("not_found"));
});

test("the fullest page stays within the characters that Actions take", async () => {
  for (let index = 0; index < 25; index++) await create('"'.repeat(200), { notes: "\\".repeat(1_000) });
  assert.ok(JSON.stringify(await calls.call("list_todos")).length < 100_000);
});

test("ids sort by their time and are UUIDs of version 7", () => {
  const times = [0, 1, 999, 1_000, 1_800_000_000_000, 281_474_976_710_655];
  const ids = times.map(sortableId);
  assert.deepEqual([...ids].sort(), ids);
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(new Set(Array.from({ length: 1_000 }, () => sortableId(1))).size, 1_000);
});
