import { isObject } from "../is-object.ts";
import { isShape } from "./content.ts";

/** What one member of a definition must be. */
interface Member {
  readonly required?: true;
  fits(value: unknown): boolean;
  /** What to write, for whoever wrote something else. */
  readonly mend: string;
}

const text: Member["fits"] = (value) => typeof value === "string";
const flag: Member["fits"] = (value) => typeof value === "boolean";
const callable: Member["fits"] = (value) => typeof value === "function";
const oneOf =
  (...values: readonly unknown[]): Member["fits"] =>
  (value) =>
    values.includes(value);
const listOf =
  (fits: Member["fits"]): Member["fits"] =>
  (value) =>
    Array.isArray(value) && value.every(fits);

/** All that a capability's definition can have. The type says the same to those whose editor reads types. */
const MEMBERS: Readonly<Record<string, Member>> = {
  name: { required: true, fits: text, mend: 'give it one, such as "create_note"' },
  title: { required: true, fits: text, mend: "say in a few words what it does" },
  description: { required: true, fits: text, mend: 'begin with "Use this when …"' },
  scopes: {
    required: true,
    fits: (value) => value === "public" || listOf(text)(value),
    mend: 'write "public", [] for every signed-in person, or a list of scopes of scopes.ts',
  },
  effect: { required: true, fits: oneOf("read", "write", "destructive"), mend: 'write "read", "write" or "destructive"' },
  input: { required: true, fits: isShape, mend: "write z.object({ … }), or rawSchema(…) for a schema from elsewhere" },
  run: { required: true, fits: callable, mend: "write a function that takes the input and the context" },
  output: { fits: isShape, mend: "write z.object({ … }), or rawSchema(…) for a schema from elsewhere" },
  prepare: { fits: callable, mend: "write a function that takes the input and the context" },
  idempotent: { fits: flag, mend: "write true or false" },
  openWorld: { fits: flag, mend: "write true or false" },
  singleUseAnswers: { fits: flag, mend: "write true or false" },
  surfaces: { fits: listOf(oneOf("mcp", "actions")), mend: 'name "mcp", "actions" or both, or leave it out' },
  path: { fits: text, mend: "write the last part of a path" },
  aliases: { fits: listOf(text), mend: "write a list of names" },
  timeLimit: { fits: (value) => typeof value === "number", mend: "write milliseconds" },
  longRunning: {
    fits: (value) => isObject(value) && (value["task"] === "optional" || value["task"] === "required"),
    mend: 'write { task: "optional" } or { task: "required" }',
  },
  paging: {
    fits: (value) => isObject(value) && (text(value["list"]) || text(value["text"])) && callable(value["cursorAfter"]),
    mend: "write { list, cursorAfter } or { text, cursorAfter }",
  },
};

/**
 * What is wrong with the members of a definition as such: missing, of another type, or unknown. Whoever writes
 * JavaScript has nobody else who says so.
 * @param position Among all definitions, from 1: how one without a name is found.
 */
export function memberFaults(definition: unknown, position: number): string[] {
  if (!isObject(definition)) return [`capability ${position}: is no definition; write defineCapability({ … })`];
  const place = text(definition["name"]) ? String(definition["name"]) : `capability ${position}`;
  const unknown = Object.keys(definition)
    .filter((name) => !Object.hasOwn(MEMBERS, name))
    .map((name) => `${place}.${name}: is not known; ${nearest(name)}`);
  const wrong = Object.entries(MEMBERS).flatMap(([name, { required, fits, mend }]) => {
    const value = definition[name];
    if (value === undefined) return required ? [`${place}.${name}: is missing; ${mend}`] : [];
    return fits(value) ? [] : [`${place}.${name}: is not what it must be; ${mend}`];
  });
  return [...wrong, ...unknown];
}

/** Most strangers are misspelt, and seldom at their beginning. */
function nearest(name: string): string {
  const known = Object.keys(MEMBERS);
  const meant = known.find((word) => word.toLowerCase().startsWith(name.toLowerCase().slice(0, 4)));
  return meant === undefined ? `leave it out, or use one of ${known.join(", ")}` : `is ${meant} meant?`;
}
