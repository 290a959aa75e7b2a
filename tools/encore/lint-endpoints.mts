import { type CallExpression, type Expression, type ObjectProperty, Visitor } from "oxc-parser";
import { METHODS, parsePath, relatePaths, type Segment } from "./paths.mts";
import type { Finding, Source } from "./source.mts";

/** An endpoint as the source says it, which is all that Encore's parser goes by. */
export interface Declaration {
  readonly service: string;
  readonly name: string;
  readonly segments: readonly Segment[];
  readonly methods: readonly string[];
  readonly source: Source;
  /** Its offset in the source. */
  readonly at: number;
}

export interface DeclaredEndpoints {
  readonly declarations: readonly Declaration[];
  readonly findings: readonly Finding[];
}

const FORM = 'Write export const name = api.raw({ expose: true, method: "GET", path: "/path" }, handler);';
const OPTIONS = ["expose", "method", "path", "bodyLimit", "sensitive"];

/** The endpoints of a service's `endpoints.ts`, and what Encore's parser would not understand of them. */
export function declaredEndpoints(source: Source, service: string): DeclaredEndpoints {
  const declarations: Declaration[] = [];
  const findings: Finding[] = [];
  const understood = new Set<number>();
  for (const statement of source.parsed.program.body) {
    const declared = statement.type === "ExportNamedDeclaration" ? statement.declaration : null;
    if (declared?.type !== "VariableDeclaration" || declared.kind !== "const") continue;
    for (const { id, init } of declared.declarations) {
      if (id.type !== "Identifier" || init?.type !== "CallExpression" || !isApiRaw(init.callee)) continue;
      understood.add(init.callee.object.start);
      const read = readOptions(source, init);
      findings.push(...read.findings);
      if (declarations.some(({ name }) => name === id.name)) {
        findings.push(source.finding(id.start, `${service} has two endpoints named ${id.name}`, "Name each endpoint once in a service."));
      }
      declarations.push({ service, name: id.name, segments: read.segments, methods: read.methods, source, at: init.start });
    }
  }
  new Visitor({
    Identifier({ name, start }) {
      const imported = source.parsed.module.staticImports.some((statement) => start >= statement.start && start < statement.end);
      if (name !== "api" || imported || understood.has(start)) return;
      findings.push(source.finding(start, "api is used for something else than an exported constant's api.raw", FORM));
    },
  }).visit(source.parsed.program);
  return { declarations, findings };
}

/** Endpoints of the whole app that claim each other's paths: the gateway in front of all services has one tree. */
export function conflictingPaths(declarations: readonly Declaration[]): readonly Finding[] {
  return declarations.flatMap((later, at) =>
    declarations.slice(0, at).flatMap((earlier) => {
      const { same, conflict } = relatePaths(earlier.segments, later.segments);
      const shared = later.methods.filter((method) => earlier.methods.includes(method));
      const why = conflict ?? (same && shared.length > 0 ? `both declare ${shared.join(", ")}` : undefined);
      if (why === undefined) return [];
      const message = `the path of ${later.name} conflicts with that of ${earlier.service}.${earlier.name}: ${why}`;
      return [later.source.finding(later.at, message, "Give one of them another path, or the same parameter name.")];
    }),
  );
}

type ApiRaw = { readonly object: { readonly start: number } };

function isApiRaw(callee: Expression): callee is Expression & ApiRaw {
  return (
    callee.type === "MemberExpression" &&
    !callee.computed &&
    callee.object.type === "Identifier" &&
    callee.object.name === "api" &&
    callee.property.name === "raw"
  );
}

interface ReadOptions {
  readonly segments: readonly Segment[];
  readonly methods: readonly string[];
  readonly findings: readonly Finding[];
}

function readOptions(source: Source, call: CallExpression): ReadOptions {
  const findings: Finding[] = [];
  const fault = (at: number, message: string, mend: string) => void findings.push(source.finding(at, message, mend));
  const [options, handler] = call.arguments;
  if (handler === undefined || call.arguments.length > 2) fault(call.start, "api.raw takes options and a handler", FORM);
  if (options?.type !== "ObjectExpression") {
    fault(options?.start ?? call.start, "the options are not an object literal", FORM);
    return { segments: [], methods: [], findings };
  }
  const values = new Map<string, Expression>();
  for (const property of options.properties) {
    if (property.type === "SpreadElement") fault(property.start, "the options have a spread", "Write each option out.");
    else if (!isPlain(property)) fault(property.start, "an option is a shorthand, a method or has a computed name", "Write name: literal.");
    else if (!OPTIONS.includes(property.key.name)) {
      fault(property.start, `${property.key.name} is not an option here`, `Options are ${OPTIONS.join(", ")}.`);
    } else if (values.has(property.key.name)) fault(property.start, `${property.key.name} is there twice`, "Keep one of them.");
    else values.set(property.key.name, property.value);
  }

  const [expose, path, method] = [values.get("expose"), values.get("path"), values.get("method")];
  if (expose?.type !== "Literal" || expose.value !== true) {
    fault(expose?.start ?? options.start, "expose is not true: nobody outside could call it", "Write expose: true.");
  }
  const sensitive = values.get("sensitive");
  if (sensitive && !(sensitive.type === "Literal" && typeof sensitive.value === "boolean")) {
    fault(sensitive.start, "sensitive is not a literal", "Write true or false.");
  }
  const limit = values.get("bodyLimit");
  if (limit && !isSize(limit)) {
    fault(limit.start, "bodyLimit is neither a whole number, a product of whole numbers nor null", "Write it as in 4 * 1024 * 1024.");
  }
  return { segments: readPath(path), methods: readMethods(method), findings };

  function readPath(value: Expression | undefined): readonly Segment[] {
    const text = quoted(source, value);
    if (text === undefined) {
      fault(value?.start ?? options?.start ?? call.start, "path is not a string in double quotes", 'Write path: "/path".');
      return [];
    }
    try {
      return parsePath(text);
    } catch (error) {
      fault(value?.start ?? call.start, `the path ${text} is not valid: ${(error as Error).message}`, "Paths look like /a/:name/*rest.");
      return [];
    }
  }

  function readMethods(value: Expression | undefined): readonly string[] {
    const listed = value?.type === "ArrayExpression" ? value.elements : [value];
    const names = listed.map((item) => (item?.type === "SpreadElement" ? undefined : quoted(source, item ?? undefined)));
    if (names.length === 1 && names[0] === "*" && value?.type !== "ArrayExpression") return METHODS;
    const known = names.filter((name) => name !== undefined && (METHODS as readonly string[]).includes(name)) as string[];
    if (known.length !== names.length || known.length === 0) {
      const mend = `Write "*", one of ${METHODS.join(", ")} in double quotes, or a list of them.`;
      fault(value?.start ?? options?.start ?? call.start, "method is not a literal that Encore knows", mend);
    }
    return known;
  }
}

function isPlain(property: ObjectProperty): property is ObjectProperty & { key: { name: string } } {
  return property.kind === "init" && !property.method && !property.shorthand && !property.computed && property.key.type === "Identifier";
}

/** The value of a string literal in double quotes. */
function quoted(source: Source, value: Expression | undefined): string | undefined {
  if (value?.type !== "Literal" || typeof value.value !== "string") return undefined;
  return source.text[value.start] === '"' ? value.value : undefined;
}

/** What `bodyLimit` may be: null, a whole number, or a product of them. */
function isSize(value: Expression): boolean {
  return isProduct(value) || (value.type === "Literal" && value.value === null);
}

function isProduct(value: Expression): boolean {
  if (value.type === "BinaryExpression") return value.operator === "*" && isProduct(value.left) && isProduct(value.right);
  return value.type === "Literal" && Number.isSafeInteger(value.value) && Number(value.value) > 0;
}
