import { ACTIONS_PATH } from "../shared/bearer/audience.ts";
import { type Capability, CapabilityError } from "../shared/capabilities/capability.ts";
import { createContext } from "../shared/capabilities/context.ts";
import { type Exchange, HttpError, type Reply } from "../shared/http/exchange.ts";
import type { Service } from "../shared/service.ts";
import { MAX_CHARACTERS, requireMethod } from "./faults.ts";
import { offeredOnActions } from "./offered.ts";
import { createQueryReader, type Input, readJsonBody } from "./operation-input.ts";

/** A capability as REST has it. */
interface Operation {
  readonly capability: Capability;
  readonly methods: readonly string[];
  readInput(exchange: Exchange): Input | Promise<Input>;
}

/** `/actions/{operation}`: a capability by its name or its path. */
export async function handleOperation(exchange: Exchange, service: Service): Promise<Reply> {
  const { capability, methods, readInput } = find(exchange, service);
  exchange.note({ operation: capability.name });
  requireMethod(exchange, methods);
  const caller = await identify(capability, exchange, service);
  if (caller) exchange.note({ client: caller.clientId, subject: caller.subject });
  const input = await readInput(exchange);
  const { output, content } = await capability.call(input, createContext(service, caller, exchange));
  const body = JSON.stringify(output ?? { content });
  if (body.length > MAX_CHARACTERS) {
    throw new CapabilityError("internal", `The answer is longer than the ${MAX_CHARACTERS} characters that Actions take. Ask for less.`);
  }
  return { status: 200, headers: { "content-type": "application/json", "cache-control": "no-store" }, body };
}

function find(exchange: Exchange, service: Service): Operation {
  const operation = service.derived(createOperations).get(exchange.path.slice(ACTIONS_PATH.length + 1));
  if (!operation) throw new HttpError(404, "There is no such operation. /actions/openapi.json lists them.");
  return operation;
}

function createOperations({ registry }: Service): ReadonlyMap<string, Operation> {
  return new Map(
    offeredOnActions(registry.catalog).flatMap((capability) => {
      const operation = capability.effect === "read" ? createRead(capability) : createWrite(capability);
      return [capability.name, capability.path].flatMap((last) => (last === undefined ? [] : [[last, operation] as const]));
    }),
  );
}

function createRead(capability: Capability): Operation {
  const readQuery = createQueryReader(capability.inputSchema);
  return { capability, methods: ["GET", "HEAD"], readInput: ({ query }) => readQuery(query) };
}

function createWrite(capability: Capability): Operation {
  return { capability, methods: ["POST"], readInput: readJsonBody };
}

/** A public capability asks for no token, but one that is presented must be good. */
async function identify(capability: Capability, exchange: Exchange, { bearer }: Service) {
  const authorization = exchange.header("authorization");
  if (capability.access === "public" && authorization === undefined) return undefined;
  return bearer.verify(authorization, "actions");
}
