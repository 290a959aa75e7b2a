/** An object of an OpenAPI document that came from anywhere: nothing of it is known. */
export type Node = Readonly<Record<string, unknown>>;

/** An object with its JSON path from `$`. */
export type Placed = readonly [path: string, node: Node];

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

export function operationsOf(document: Node): Placed[] {
  return membersOf(nodeOf(document["paths"]), "$.paths").flatMap(([path, item]) =>
    membersOf(item, path).filter(([place]) => METHODS.some((method) => place === `${path}.${method}`)),
  );
}

export function parametersOf(path: string, operation: Node): Placed[] {
  return listOf(operation["parameters"]).map((parameter, index) => [`${path}.parameters[${index}]`, nodeOf(parameter)]);
}

export function contentsOf(path: string, operation: Node): Placed[] {
  const responses = membersOf(nodeOf(operation["responses"]), `${path}.responses`);
  const bodies: Placed[] = [[`${path}.requestBody`, nodeOf(operation["requestBody"])], ...responses];
  return bodies.map(([place, body]) => [`${place}.content`, nodeOf(body["content"])]);
}

export function bodySchemasOf(path: string, operation: Node): Placed[] {
  const content = nodeOf(nodeOf(operation["requestBody"])["content"]);
  return membersOf(content, `${path}.requestBody.content`).map(([place, media]) => [`${place}.schema`, nodeOf(media["schema"])]);
}

export function membersOf(node: Node, path: string): Placed[] {
  return Object.entries(node).map(([key, member]) => [memberPath(path, key), nodeOf(member)]);
}

export function memberPath(path: string, key: string): string {
  return /^[A-Za-z_]\w*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function nodeOf(value: unknown): Node {
  return isNode(value) ? value : {};
}

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What a JSON pointer as a fragment leads to (RFC 6901 §6). */
export function target(reference: string, document: Node): unknown {
  if (!reference.startsWith("#/")) return undefined;
  let node: unknown = document;
  for (const part of reference.slice(2).split("/")) {
    node = isNode(node) ? node[decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~")] : undefined;
  }
  return node;
}

/** A schema, or the one in the document that it refers to. */
export function resolved(schema: Node, document: Node): Node {
  const { $ref: reference } = schema;
  return typeof reference === "string" ? nodeOf(target(reference, document)) : schema;
}
