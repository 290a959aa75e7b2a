import type { Endpoint } from "./endpoints.mts";
import { METHODS, parsePath } from "./paths.mts";

/** Where a request goes, or why it goes nowhere, in the words of Encore's gateway. */
type Route = { readonly endpoint: Endpoint } | { readonly fault: "endpoint not found" | "no route for method" };

export interface Router {
  /** @param path As sent, without the query. */
  find(method: string, path: string): Route;
}

type Methods = Map<string, Endpoint>;

interface Node {
  readonly statics: Map<string, Node>;
  parameter?: Node;
  wildcard?: Methods;
  here?: Methods;
}

/**
 * Routes as Encore's gateway does: static text wins over a parameter, a parameter over a wildcard; a slash at the end
 * makes no difference except to a wildcard; the first path that matches decides, and if it lacks the method nobody else
 * is asked.
 *
 * @throws {Error} when two endpoints claim one path and method.
 */
export function createRouter(endpoints: readonly Endpoint[]): Router {
  const root: Node = { statics: new Map() };
  for (const endpoint of endpoints) add(root, endpoint);
  const methodsAt = (path: string) => walk(root, path.slice(1).split("/"), 0);
  const known = new Map(endpoints.map(({ options: { path } }) => [path, methodsAt(path)]));
  return {
    find(method, path) {
      // Most requests name an endpoint's path to the letter.
      const methods = known.get(path) ?? methodsAt(path);
      if (methods === undefined) return { fault: "endpoint not found" };
      const endpoint = methods.get(method);
      return endpoint ? { endpoint } : { fault: "no route for method" };
    },
  };
}

function add(root: Node, endpoint: Endpoint): void {
  const { path, method } = endpoint.options;
  let node = root;
  let methods: Methods | undefined;
  for (const segment of parsePath(path)) {
    if (segment.kind === "wildcard") {
      node.wildcard ??= new Map();
      methods = node.wildcard;
    } else if (segment.kind === "parameter") {
      node.parameter ??= { statics: new Map() };
      node = node.parameter;
    } else {
      const next: Node = node.statics.get(segment.text) ?? { statics: new Map() };
      node.statics.set(segment.text, next);
      node = next;
    }
  }
  if (methods === undefined) {
    node.here ??= new Map();
    methods = node.here;
  }
  for (const name of methodsOf(method)) {
    const other = methods.get(name);
    if (other) throw new Error(`${name} ${path} is declared by ${nameOf(other)} and by ${nameOf(endpoint)}`);
    methods.set(name, endpoint);
  }
}

function walk(node: Node, parts: readonly string[], at: number): Methods | undefined {
  const part = parts[at];
  if (part === undefined) return node.here;
  if (part === "" && at === parts.length - 1) return node.wildcard ?? node.here;
  const fixed = node.statics.get(part);
  const found = (fixed && walk(fixed, parts, at + 1)) ?? (node.parameter && part !== "" ? walk(node.parameter, parts, at + 1) : undefined);
  return found ?? node.wildcard;
}

function methodsOf(method: string | readonly string[]): readonly string[] {
  if (method === "*") return METHODS;
  return typeof method === "string" ? [method] : method;
}

function nameOf({ service, name }: Endpoint): string {
  return `${service}.${name}`;
}
