/** Something in an OpenAPI document that ChatGPT refuses. */
export interface LimitFault {
  /** A JSON path from `$`. */
  readonly path: string;
  readonly message: string;
}

type Node = Readonly<Record<string, unknown>>;
type Check = (document: Node) => LimitFault[];

const MAX_OPERATIONS = 30;
const MAX_DESCRIPTION = 300;
const MAX_PARAMETER_DESCRIPTION = 700;
/** Characters, printed with indentation. */
const MAX_DOCUMENT = 1_000_000;
const OPERATION_ID = /^[a-zA-Z0-9_-]{1,64}$/;
const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
const COMBINERS = ["anyOf", "oneOf", "allOf"];

/** All that ChatGPT would refuse in a document for GPT Actions; empty when it takes it. */
export function checkActionsLimits(document: unknown): readonly LimitFault[] {
  return isNode(document) ? CHECKS.flatMap((check) => check(document)) : [{ path: "$", message: "must be an object" }];
}

const checkVersion: Check = ({ openapi }) =>
  typeof openapi === "string" && /^3\.1\.\d+$/.test(openapi) ? [] : [{ path: "$.openapi", message: "must be 3.1" }];

const checkSize: Check = (document) => {
  const size = JSON.stringify(document, null, 2).length;
  return size < MAX_DOCUMENT ? [] : [{ path: "$", message: `has ${size} characters; less than ${MAX_DOCUMENT} are taken` }];
};

const checkServer: Check = (document) => {
  const servers = listOf(document["servers"]);
  if (servers.length !== 1) return [{ path: "$.servers", message: `has ${servers.length} servers; exactly one is taken` }];
  return serverUrlOf(document)?.protocol === "https:" ? [] : [{ path: "$.servers[0].url", message: "must be an absolute https URL" }];
};

const checkOperationCount: Check = (document) => {
  const count = operationsOf(document).length;
  if (count === 0) return [{ path: "$.paths", message: "has no operations" }];
  return count <= MAX_OPERATIONS ? [] : [{ path: "$.paths", message: `has ${count} operations; at most ${MAX_OPERATIONS} are taken` }];
};

const checkOperationIds: Check = (document) => {
  const known = new Set<unknown>();
  return operationsOf(document).flatMap(([path, { operationId }]) => {
    const repeated = known.has(operationId);
    known.add(operationId);
    const place = `${path}.operationId`;
    if (typeof operationId !== "string" || !OPERATION_ID.test(operationId)) {
      return [{ path: place, message: `must match ${OPERATION_ID.source}` }];
    }
    return repeated ? [{ path: place, message: `${operationId} is there twice` }] : [];
  });
};

const checkConsequence: Check = (document) =>
  operationsOf(document)
    .filter(([, operation]) => typeof operation["x-openai-isConsequential"] !== "boolean")
    .map(([path]) => ({ path: memberPath(path, "x-openai-isConsequential"), message: "must say true or false" }));

const checkTexts: Check = (document) =>
  operationsOf(document).flatMap(([path, operation]) => [
    ...tooLong(operation, path, "summary", MAX_DESCRIPTION),
    ...tooLong(operation, path, "description", MAX_DESCRIPTION),
    ...parametersOf(path, operation).flatMap(([place, parameter]) => tooLong(parameter, place, "description", MAX_PARAMETER_DESCRIPTION)),
    ...bodySchemasOf(path, operation).flatMap(([place, schema]) =>
      membersOf(nodeOf(schema["properties"]), `${place}.properties`).flatMap(([member, property]) =>
        tooLong(property, member, "description", MAX_PARAMETER_DESCRIPTION),
      ),
    ),
  ]);

/** ChatGPT sends no header but its own. */
const checkParameters: Check = (document) =>
  operationsOf(document).flatMap(([path, operation]) =>
    parametersOf(path, operation)
      .filter(([, parameter]) => parameter["in"] === "header" || parameter["in"] === "cookie")
      .map(([place]) => ({ path: `${place}.in`, message: "must be query or path" })),
  );

/** Text only: no files, no forms. */
const checkMediaTypes: Check = (document) =>
  operationsOf(document).flatMap(([path, operation]) =>
    contentsOf(path, operation).flatMap(([place, content]) =>
      Object.keys(content)
        .filter((type) => !/^(application\/([\w.-]+\+)?json|text\/[\w.-]+)$/.test(type))
        .map((type) => ({ path: memberPath(place, type), message: "must be JSON or text" })),
    ),
  );

const checkSchemas: Check = (document) => walk(document, "$", document);

/** OAuth's URLs must be on the API's own host. */
const checkOAuth: Check = (document) => {
  const host = serverUrlOf(document)?.host;
  return membersOf(nodeOf(nodeOf(document["components"])["securitySchemes"]), "$.components.securitySchemes").flatMap(([path, scheme]) =>
    membersOf(nodeOf(scheme["flows"]), `${path}.flows`).flatMap(([flowPath, flow]) =>
      ["authorizationUrl", "tokenUrl", "refreshUrl"]
        .filter((name) => flow[name] !== undefined && urlOf(flow[name])?.host !== host)
        .map((name) => ({ path: memberPath(flowPath, name), message: `must be on the server's host, ${host}` })),
    ),
  );
};

const CHECKS: readonly Check[] = [
  checkVersion,
  checkSize,
  checkServer,
  checkOperationCount,
  checkOperationIds,
  checkConsequence,
  checkTexts,
  checkParameters,
  checkMediaTypes,
  checkSchemas,
  checkOAuth,
];

/** Combiners and references, wherever they stand as keywords and not as names of members. */
function walk(value: unknown, path: string, document: Node): LimitFault[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => walk(item, `${path}[${index}]`, document));
  if (!isNode(value)) return [];
  const combiners = COMBINERS.filter((keyword) => Array.isArray(value[keyword])).map((keyword) => ({
    path: `${path}.${keyword}`,
    message: "is not taken; write a flat schema",
  }));
  const reference = value["$ref"];
  const dangling =
    typeof reference === "string" && !leadsSomewhere(reference, document)
      ? [{ path: memberPath(path, "$ref"), message: `${reference} does not lead to a place in this document` }]
      : [];
  return [
    ...combiners,
    ...dangling,
    ...Object.entries(value)
      .filter(([key]) => key !== "default" && key !== "const" && key !== "enum" && !/^examples?$/.test(key))
      .flatMap(([key, member]) => walk(member, memberPath(path, key), document)),
  ];
}

/** A JSON pointer as a fragment (RFC 6901 §6). */
function leadsSomewhere(reference: string, document: Node): boolean {
  if (!reference.startsWith("#/")) return false;
  let node: unknown = document;
  for (const part of reference.slice(2).split("/")) {
    node = isNode(node) ? node[decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~")] : undefined;
  }
  return node !== undefined;
}

function tooLong(node: Node, path: string, member: string, limit: number): LimitFault[] {
  const text = node[member];
  if (typeof text !== "string" || text.length <= limit) return [];
  return [{ path: `${path}.${member}`, message: `has ${text.length} characters; at most ${limit} are taken` }];
}

type Placed = readonly [path: string, node: Node];

function operationsOf(document: Node): Placed[] {
  return membersOf(nodeOf(document["paths"]), "$.paths").flatMap(([path, item]) =>
    membersOf(item, path).filter(([place]) => METHODS.some((method) => place === `${path}.${method}`)),
  );
}

function parametersOf(path: string, operation: Node): Placed[] {
  return listOf(operation["parameters"]).map((parameter, index) => [`${path}.parameters[${index}]`, nodeOf(parameter)]);
}

function contentsOf(path: string, operation: Node): Placed[] {
  const responses = membersOf(nodeOf(operation["responses"]), `${path}.responses`);
  const bodies: Placed[] = [[`${path}.requestBody`, nodeOf(operation["requestBody"])], ...responses];
  return bodies.map(([place, body]) => [`${place}.content`, nodeOf(body["content"])]);
}

function bodySchemasOf(path: string, operation: Node): Placed[] {
  const content = nodeOf(nodeOf(operation["requestBody"])["content"]);
  return membersOf(content, `${path}.requestBody.content`).map(([place, media]) => [`${place}.schema`, nodeOf(media["schema"])]);
}

function membersOf(node: Node, path: string): Placed[] {
  return Object.entries(node).map(([key, member]) => [memberPath(path, key), nodeOf(member)]);
}

function memberPath(path: string, key: string): string {
  return /^[A-Za-z_]\w*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}

function serverUrlOf(document: Node): URL | undefined {
  return urlOf(nodeOf(listOf(document["servers"])[0])["url"]);
}

function urlOf(value: unknown): URL | undefined {
  return typeof value === "string" && URL.canParse(value) ? new URL(value) : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function nodeOf(value: unknown): Node {
  return isNode(value) ? value : {};
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
