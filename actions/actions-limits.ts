import {
  bodySchemasOf,
  contentsOf,
  isNode,
  listOf,
  memberPath,
  membersOf,
  type Node,
  nodeOf,
  operationsOf,
  type Placed,
  parametersOf,
  resolved,
  target,
} from "./openapi-places.ts";

/** Something in an OpenAPI document that ChatGPT refuses. */
export interface LimitFault {
  /** A JSON path from `$`. */
  readonly path: string;
  readonly message: string;
}

type Check = (document: Node) => LimitFault[];

const MAX_OPERATIONS = 30;
const MAX_DESCRIPTION = 300;
const MAX_PARAMETER_DESCRIPTION = 700;
/** Characters, printed with indentation. */
const MAX_DOCUMENT = 1_000_000;
const OPERATION_ID = /^[a-zA-Z0-9_-]{1,64}$/;
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

/** ChatGPT leaves out an operation whose body is no object. */
const checkBodies: Check = (document) =>
  operationsOf(document).flatMap(([path, operation]) =>
    bodySchemasOf(path, operation)
      .filter(([, schema]) => resolved(schema, document)["type"] !== "object")
      .map(([place]) => ({ path: `${place}.type`, message: "must be object" })),
  );

/** It misses the members of objects and the items of lists, even where nothing is said of them. */
const checkShapes: Check = (document) =>
  [
    ...operationsOf(document).flatMap(([path, operation]) => [
      ...parametersOf(path, operation).map(([place, { schema }]): Placed => [`${place}.schema`, nodeOf(schema)]),
      ...contentsOf(path, operation).flatMap(([place, content]) =>
        membersOf(content, place).map(([media, { schema }]): Placed => [`${media}.schema`, nodeOf(schema)]),
      ),
    ]),
    ...membersOf(nodeOf(nodeOf(document["components"])["schemas"]), "$.components.schemas"),
  ].flatMap(([path, schema]) => shapeFaults(path, schema));

function shapeFaults(path: string, schema: Node): LimitFault[] {
  const { type, properties, items, additionalProperties } = schema;
  const faults: LimitFault[] = [];
  if (type === "object" && !isNode(properties))
    faults.push({ path: `${path}.properties`, message: "is missing; {} says that there are none" });
  if (type === "array" && !isNode(items)) faults.push({ path: `${path}.items`, message: "is missing; {} says that anything may be there" });
  return [
    ...faults,
    ...membersOf(nodeOf(properties), `${path}.properties`).flatMap(([place, member]) => shapeFaults(place, member)),
    ...(isNode(items) ? shapeFaults(`${path}.items`, items) : []),
    ...(isNode(additionalProperties) ? shapeFaults(`${path}.additionalProperties`, additionalProperties) : []),
  ];
}

/** Custom GPTs know one way of OAuth. */
const checkFlows: Check = (document) =>
  membersOf(nodeOf(nodeOf(document["components"])["securitySchemes"]), "$.components.securitySchemes")
    .filter(([, { type }]) => type === "oauth2")
    .flatMap(([path, scheme]) =>
      Object.keys(nodeOf(scheme["flows"]))
        .filter((flow) => flow !== "authorizationCode")
        .map((flow) => ({ path: memberPath(`${path}.flows`, flow), message: "is not taken; authorizationCode is" })),
    );

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
  checkBodies,
  checkShapes,
  checkFlows,
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
    typeof reference === "string" && target(reference, document) === undefined
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

function tooLong(node: Node, path: string, member: string, limit: number): LimitFault[] {
  const text = node[member];
  if (typeof text !== "string" || text.length <= limit) return [];
  return [{ path: `${path}.${member}`, message: `has ${text.length} characters; at most ${limit} are taken` }];
}

function serverUrlOf(document: Node): URL | undefined {
  return urlOf(nodeOf(listOf(document["servers"])[0])["url"]);
}

function urlOf(value: unknown): URL | undefined {
  return typeof value === "string" && URL.canParse(value) ? new URL(value) : undefined;
}
