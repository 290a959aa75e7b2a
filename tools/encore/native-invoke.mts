import type { IncomingMessage, ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import type { Invoke } from "../host.mts";
import { bodyLimitOf, type RawHandler } from "./api.mts";
import type { Endpoint } from "./endpoints.mts";
import { answerFault } from "./gateway.mts";
import { nativeResponse } from "./native-response.mts";
import { type NativeBody, type NativeCall, registeredHandler } from "./runtime.mts";

/** The generated entry point of an Encore build imports this and registers every endpoint. */
const APPINIT: string = "encore.dev/internal/codegen/appinit";

interface AppInit {
  registerHandlers(
    handlers: readonly {
      readonly apiRoute: {
        readonly service: string;
        readonly name: string;
        readonly raw: true;
        readonly handler: RawHandler;
        readonly streamingRequest: false;
        readonly streamingResponse: false;
      };
      readonly endpointOptions: {
        readonly expose: boolean;
        readonly auth: false;
        readonly isRaw: true;
        readonly isStream: false;
        readonly tags: [];
      };
      readonly middlewares: readonly [];
    }[],
  ): void;
}

/** Has endpoints answer through encore.dev's own RawRequest and RawResponse, as they do in an Encore build. */
export async function invokeThroughEncore(endpoints: readonly Endpoint[]): Promise<Invoke> {
  process.env["ENCORE_RUNTIME_LIB"] = fileURLToPath(new URL("./runtime.mts", import.meta.url));
  const { registerHandlers } = (await import(APPINIT)) as AppInit;
  registerHandlers(
    endpoints.map(({ service, name, options, handler }) => ({
      apiRoute: { service, name, raw: true, handler, streamingRequest: false, streamingResponse: false },
      endpointOptions: { expose: options.expose, auth: false, isRaw: true, isStream: false, tags: [] },
      middlewares: [],
    })),
  );
  return (endpoint, request, response) => {
    const limit = bodyLimitOf(endpoint.options);
    const apiCall = describeCall(endpoint, request);
    const native = { payload: () => null, meta: () => ({ apiCall }), getAuthData: () => null };
    const handler = registeredHandler(endpoint.service, endpoint.name);
    Promise.resolve()
      .then(() => handler(native, nativeResponse(response), nativeBody(request, limit)))
      .catch((error: unknown) => fail(endpoint, response, error));
  };
}

/** A handler that throws before its first byte gets Encore's error; after that nobody hears of it. */
function fail({ service, name }: Endpoint, response: ServerResponse, error: unknown): void {
  process.stderr.write(`${service}.${name} failed: ${error instanceof Error ? error.stack : String(error)}\n`);
  if (!response.headersSent) answerFault(response, 500, "internal", error instanceof Error ? error.message : String(error));
}

/** The request as the gateway passes it on: the peer and the host that was asked for are in `x-forwarded-*` only. */
function describeCall({ service, name }: Endpoint, request: IncomingMessage): NativeCall {
  const { method = "GET", url = "/" } = request;
  const headers: Record<string, string | string[]> = {};
  for (const [header, values] of Object.entries(request.headersDistinct)) {
    if (values === undefined || header.startsWith("x-encore-meta")) continue;
    headers[header] = values.length === 1 ? (values[0] ?? "") : values;
  }
  const forwarded = [...(request.headersDistinct["x-forwarded-for"] ?? []), request.socket.remoteAddress ?? ""];
  headers["x-forwarded-for"] = forwarded.join(", ");
  headers["x-forwarded-proto"] = "http";
  if (request.headers.host !== undefined) headers["x-forwarded-host"] = request.headers.host;
  headers["host"] = "127.0.0.1";
  return {
    api: { service, endpoint: name, raw: true, requiresAuth: false, tags: [] },
    method,
    path: url.split("?", 1)[0] ?? "/",
    pathAndQuery: url,
    headers,
  };
}

/** Pieces flow only after `read`, until `push` says that the reader has enough. */
function nativeBody(request: IncomingMessage, limit: number | null): NativeBody {
  let begin = () => {};
  return {
    start(push, destroy) {
      let size = 0;
      let over = false;
      begin = () => {
        begin = () => request.resume();
        if (request.readableEnded) {
          push(null);
          return;
        }
        request.on("data", (piece: Buffer) => {
          if (over) return;
          size += piece.length;
          if (limit !== null && size > limit) {
            over = true;
            destroy(new Error("length limit exceeded"));
          } else if (!push(piece)) request.pause();
        });
        request.on("end", () => {
          if (!over) push(null);
        });
        request.on("error", (error) => {
          if (!over) destroy(error);
        });
      };
    },
    read: () => begin(),
  };
}
