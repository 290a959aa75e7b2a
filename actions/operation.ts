import { type Awaitable, andThen } from "../shared/awaitable.ts";
import { ACTIONS_PATH } from "../shared/bearer/audience.ts";
import { requireAccess } from "../shared/capabilities/access.ts";
import { type Caller, type Capability, CapabilityError } from "../shared/capabilities/capability.ts";
import type { Outcome } from "../shared/capabilities/content.ts";
import { createContext } from "../shared/capabilities/context.ts";
import { once } from "../shared/capabilities/idempotency.ts";
import { type Exchange, HttpError, type Reply } from "../shared/http/exchange.ts";
import { limitCalls } from "../shared/limits/calls.ts";
import type { Service } from "../shared/service.ts";
import { renderAnswer } from "./answer.ts";
import { PATIENCE, requireMethod } from "./faults.ts";
import { idempotencyKeyOf } from "./idempotency-key.ts";
import { createQueryReader, type Input, readJsonBody } from "./operation-input.ts";
import { type Operation, operationsOf } from "./operations.ts";
import { performAsTask, renderHandle, type TaskHandle } from "./tasks.ts";

/** An operation with how its input is read. */
interface Route {
  readonly capability: Capability;
  readonly methods: readonly string[];
  readInput(exchange: Exchange): Awaitable<Input>;
}

/** `/actions/{operation}`: a capability by its name, its path or an alias. */
export function handleOperation(exchange: Exchange, service: Service): Awaitable<Reply> {
  const route = find(exchange, service);
  exchange.note({ operation: route.capability.name });
  requireMethod(exchange, route.methods);
  return andThen(identify(route.capability, exchange, service), (caller) => answer(route, caller, exchange, service));
}

function answer({ capability, readInput }: Route, caller: Caller | undefined, exchange: Exchange, service: Service): Awaitable<Reply> {
  if (caller) exchange.note({ client: caller.clientId, subject: caller.subject });
  requireAccess(capability.access, caller);
  limitCalls(service, caller, exchange);
  return andThen(readInput(exchange), (input) =>
    andThen(perform(capability, input, caller, exchange, service), (given) =>
      "task" in given ? renderHandle(given) : renderAnswer(exchange, capability, input, given),
    ),
  );
}

/** A write with an idempotency key is done once. */
function perform(
  capability: Capability,
  input: Input,
  caller: Caller | undefined,
  exchange: Exchange,
  service: Service,
): Awaitable<Outcome | TaskHandle> {
  const work = () => performOnce(capability, input, caller, exchange, service);
  const key = capability.effect === "read" ? undefined : idempotencyKeyOf(exchange);
  if (key === undefined) return work();
  if (!caller) throw new CapabilityError("unauthenticated", "An idempotency key belongs to a signed-in person.");
  return once(service, { capability, surface: "actions", caller, key, input, signal: exchange.signal }, async () => work());
}

/** Slow work becomes a task, which belongs to a person. */
function performOnce(
  capability: Capability,
  input: Input,
  caller: Caller | undefined,
  exchange: Exchange,
  service: Service,
): Awaitable<Outcome | TaskHandle> {
  if (capability.longRunning && caller) return performAsTask(service, exchange, caller, capability, input);
  if (capability.longRunning?.task === "required") {
    throw new CapabilityError("unauthenticated", "This runs as a task, which needs a signed-in person.");
  }
  return capability.call(input, createContext(service, caller, exchange), PATIENCE);
}

function find(exchange: Exchange, service: Service): Route {
  const route = service.derived(createRoutes).get(exchange.path.slice(ACTIONS_PATH.length + 1));
  if (!route) throw new HttpError(404, "There is no such operation. /actions/openapi.json lists them.");
  return route;
}

function createRoutes({ registry }: Service): ReadonlyMap<string, Route> {
  return new Map(
    operationsOf(registry.catalog).flatMap((operation) => {
      const route = routeOf(operation);
      const { name, path, aliases } = operation.capability;
      return [name, ...aliases, ...(path === undefined ? [] : [path])].map((last) => [last, route] as const);
    }),
  );
}

function routeOf({ capability, method }: Operation): Route {
  if (method === "post") return { capability, methods: ["POST"], readInput: readJsonBody };
  const readQuery = createQueryReader(capability.inputSchema);
  return { capability, methods: ["GET", "HEAD"], readInput: ({ query }) => readQuery(query) };
}

/** A public capability asks for no token, but one that is presented must be good. */
function identify(capability: Capability, exchange: Exchange, { bearer }: Service): Awaitable<Caller | undefined> {
  const authorization = exchange.header("authorization");
  if (capability.access === "public" && authorization === undefined) return undefined;
  return bearer.verify(authorization, "actions");
}
