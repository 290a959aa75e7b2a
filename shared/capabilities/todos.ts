import { z } from "zod";
import { defineCapability } from "./capability.ts";
import { type Todo, type TodoRecord, todosOf } from "./todo-records.ts";

/** A page of the longest to-dos, written as JSON, stays below the 100,000 characters that GPT Actions take. */
const MAX_TITLE = 200;
const MAX_NOTES = 1_000;
const MAX_PAGE = 25;

const id = z.uuid().describe("The to-do's id, as list_todos and create_todo give it.");
/** JSON writes a control character or half a surrogate pair six times as long; notes may have lines and tabs. */
const title = z
  .string()
  .trim()
  .min(1)
  .max(MAX_TITLE)
  .refine((text) => !/[\p{Cc}\p{Cs}]/u.test(text), "must be one line of plain text");
const notes = z
  .string()
  .trim()
  .max(MAX_NOTES)
  .refine((text) => !/[\p{Cc}\p{Cs}]/u.test(text.replace(/[\t\r\n]/g, "")), "must be plain text");

const todo = z.object({
  id: z.uuid().describe("The to-do's id."),
  title: z.string().describe("What is to be done."),
  notes: z.string().describe("Details; empty when there are none."),
  completed: z.boolean().describe("Whether it is done."),
  created_at: z.iso.datetime().describe("When it was created."),
  updated_at: z.iso.datetime().describe("When it was last changed."),
  completed_at: z.iso.datetime().optional().describe("When it was completed; absent while it is open."),
});

const listTodos = defineCapability({
  name: "list_todos",
  title: "List to-dos",
  description: "Use this when the user wants to see their to-dos or you need a to-do's id. Oldest first, a page at a time.",
  scopes: ["todos:read"],
  effect: "read",
  input: z.object({
    status: z.enum(["open", "completed", "all"]).default("open").describe("Which to-dos to list."),
    limit: z.int().min(1).max(MAX_PAGE).default(MAX_PAGE).describe("How many to-dos to list at most."),
    cursor: z.uuid().optional().describe("The next_cursor of the page before; leave it out for the first page."),
  }),
  output: z.object({
    todos: z.array(todo).describe("This page's to-dos."),
    next_cursor: z.string().optional().describe("Give it as cursor for the next page; absent on the last page."),
    note: z.string().optional().describe("That the page was cut short."),
  }),
  paging: { list: "todos", cursorAfter: (kept, { todos }) => todos[kept - 1]?.id ?? "" },
  async run({ status, limit, cursor }, context) {
    const page = await todosOf(context).list(status, limit, cursor);
    return { todos: page.todos.map(shown), ...(page.cursor === undefined ? {} : { next_cursor: page.cursor }) };
  },
});

const getTodo = defineCapability({
  name: "get_todo",
  title: "Get a to-do",
  description: "Use this when you have a to-do's id and need its details.",
  scopes: ["todos:read"],
  effect: "read",
  input: z.object({ id }),
  output: todo,
  run: async (input, context) => shown(await todosOf(context).get(input.id)),
});

const createTodo = defineCapability({
  name: "create_todo",
  title: "Create a to-do",
  description: "Use this when the user wants to remember something to do.",
  scopes: ["todos:write"],
  effect: "write",
  input: z.object({
    title: title.describe("What is to be done, in one line."),
    notes: notes.default("").describe("Details, in a few lines."),
  }),
  output: todo,
  run: async (input, context) => shown(await todosOf(context).create(input)),
});

const updateTodo = defineCapability({
  name: "update_todo",
  title: "Change a to-do",
  description:
    "Use this when the user wants to reword a to-do, change its notes or open a completed one again. What is left out stays as it is.",
  scopes: ["todos:write"],
  effect: "write",
  idempotent: true,
  input: z
    .object({
      id,
      title: title.optional().describe("What is to be done, in one line."),
      notes: notes.optional().describe("Details, in a few lines; an empty text removes them."),
      completed: z.boolean().optional().describe("Whether it is done."),
    })
    .refine((input) => input.title !== undefined || input.notes !== undefined || input.completed !== undefined, {
      error: "name at least one of title, notes and completed",
    }),
  output: todo,
  async run({ id, title, notes, completed }, context) {
    const changed = await todosOf(context).change(id, (todo, now) => {
      const next = { ...setCompleted(todo, completed, now), title: title ?? todo.title, notes: notes ?? todo.notes };
      const same = next.title === todo.title && next.notes === todo.notes && next.completedAt === todo.completedAt;
      return same ? todo : { ...next, updatedAt: now };
    });
    return shown(changed);
  },
});

const completeTodo = defineCapability({
  name: "complete_todo",
  title: "Complete a to-do",
  description: "Use this when the user says that something is done. A to-do that is completed already stays as it is.",
  scopes: ["todos:write"],
  effect: "write",
  idempotent: true,
  input: z.object({ id }),
  output: todo,
  async run(input, context) {
    const completed = await todosOf(context).change(input.id, (todo, now) => {
      const next = setCompleted(todo, true, now);
      return next === todo ? todo : { ...next, updatedAt: now };
    });
    return shown(completed);
  },
});

const deleteTodo = defineCapability({
  name: "delete_todo",
  title: "Delete a to-do",
  description: "Use this when the user wants to remove a to-do for good; it cannot be brought back. For something done, use complete_todo.",
  scopes: ["todos:write"],
  effect: "destructive",
  idempotent: true,
  input: z.object({ id }),
  output: z.object({ deleted: todo.describe("The to-do as it was.") }),
  run: async (input, context) => ({ deleted: shown(await todosOf(context).remove(input.id)) }),
});

/** A person's own to-do list. */
export const todos = [listTodos, getTodo, createTodo, updateTodo, completeTodo, deleteTodo];

/** The same object when it is so already, or nothing was asked. */
function setCompleted(todo: TodoRecord, completed: boolean | undefined, now: number): TodoRecord {
  if (completed === undefined || completed === (todo.completedAt !== undefined)) return todo;
  const { completedAt: _, ...open } = todo;
  return completed ? { ...open, completedAt: now } : open;
}

function shown({ id, title, notes, createdAt, updatedAt, completedAt }: Todo): z.input<typeof todo> {
  return {
    id,
    title,
    notes,
    completed: completedAt !== undefined,
    created_at: new Date(createdAt).toISOString(),
    updated_at: new Date(updatedAt).toISOString(),
    ...(completedAt === undefined ? {} : { completed_at: new Date(completedAt).toISOString() }),
  };
}
