import { z } from "zod";
import { CapabilityError, type Context, type OwnRecords } from "./capability.ts";
import { sortableId } from "./sortable-id.ts";

/** A to-do as it is kept; its id is the record's. Times are milliseconds since the epoch. */
const todoRecord = z.strictObject({
  title: z.string(),
  notes: z.string(),
  createdAt: z.number(),
  updatedAt: z.number(),
  /** Absent while it is open. */
  completedAt: z.number().optional(),
});
export type TodoRecord = z.infer<typeof todoRecord>;

/** A to-do with its id. */
export type Todo = TodoRecord & { readonly id: string };

/** Which to-dos to list. */
export type Status = "open" | "completed" | "all";

/** Times a lost compare-and-set is tried again. */
const MAX_TRIES = 5;
/** Records read at once, and at most in one call, when most of them are filtered out. */
const SLICE = 100;
const MAX_READ = 1_000;

/** One person's to-dos. */
export interface Todos {
  /** @throws {CapabilityError} `not_found`. */
  get(id: string): Promise<Todo>;
  create(given: { readonly title: string; readonly notes: string }): Promise<Todo>;
  /**
   * Lets `make` turn the to-do into its next state; the same object means no change.
   * @throws {CapabilityError} `not_found`, or `conflict` when others keep changing it.
   */
  change(id: string, make: (todo: TodoRecord, now: number) => TodoRecord): Promise<Todo>;
  /** @throws {CapabilityError} `not_found`. */
  remove(id: string): Promise<Todo>;
  /** Oldest first. A page can be short, even empty, before the last: only an absent cursor ends the list. */
  list(status: Status, limit: number, cursor?: string): Promise<{ readonly todos: readonly Todo[]; readonly cursor?: string }>;
}

export function todosOf({ records, now }: Context): Todos {
  const own: OwnRecords<TodoRecord> = records("todo", todoRecord);

  return {
    async get(id) {
      const entry = await own.get(id);
      if (!entry) throw notFound();
      return { ...entry.value, id };
    },
    async create(given) {
      const at = now();
      const id = sortableId(at);
      const todo = { ...given, createdAt: at, updatedAt: at };
      if (!(await own.create(id, todo))) throw changing();
      return { ...todo, id };
    },
    async change(id, make) {
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const entry = await own.get(id);
        if (!entry) throw notFound();
        const next = make(entry.value, now());
        if (next === entry.value || (await own.replace(id, entry.version, next))) return { ...next, id };
      }
      throw changing();
    },
    async remove(id) {
      const entry = await own.take(id);
      if (!entry) throw notFound();
      return { ...entry.value, id };
    },
    async list(status, limit, from) {
      const todos: Todo[] = [];
      let cursor = from;
      for (let read = 0; read < MAX_READ; read += SLICE) {
        const page = await own.list(cursor, SLICE);
        for (const { id, value } of page.entries) {
          // There is one more, so that the cursor never leads to nothing but an end.
          if (todos.length === limit && fits(value, status)) return { todos, cursor: todos.at(-1)?.id ?? id };
          if (fits(value, status)) todos.push({ ...value, id });
        }
        cursor = page.cursor;
        if (cursor === undefined) return { todos };
      }
      return { todos, ...(cursor === undefined ? {} : { cursor }) };
    },
  };
}

function fits(todo: TodoRecord, status: Status): boolean {
  return status === "all" || (todo.completedAt !== undefined) === (status === "completed");
}

function notFound(): CapabilityError {
  return new CapabilityError("not_found", "There is no to-do with this id.");
}

function changing(): CapabilityError {
  return new CapabilityError("conflict", "The to-do is being changed by others at the same time. Try again.");
}
