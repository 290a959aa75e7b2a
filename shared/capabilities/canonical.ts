import { isObject } from "../is-object.ts";
import { CapabilityError } from "./capability.ts";

const MAX_DEPTH = 200;

/**
 * JSON that is the same for every order of an object's members: for comparing what a client sent twice.
 * @throws {CapabilityError} `invalid_input` for what is nested deeper than the stack should be.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value, 0)) ?? "";
}

function sorted(value: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new CapabilityError("invalid_input", `The input is nested more than ${MAX_DEPTH} levels deep.`);
  if (Array.isArray(value)) return value.map((item) => sorted(item, depth + 1));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, member]) => [key, sorted(member, depth + 1)]));
}
