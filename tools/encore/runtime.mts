/**
 * Stands where encore.dev expects its native library (`ENCORE_RUNTIME_LIB`), which is what registers handlers: it only
 * keeps them, for `native-invoke.mts` to call. Loaded with `require`, so that it has no top-level await.
 */

/** What encore.dev makes of an endpoint: wraps the native request and response in RawRequest and RawResponse. */
export type NativeHandler = (request: NativeRequest, response: NativeResponse, body: NativeBody) => unknown;

/** Method names and shapes are those of `internal/runtime/napi/napi.d.cts`. */
export interface NativeRequest {
  payload(): unknown;
  meta(): { readonly apiCall: NativeCall };
  getAuthData(): unknown;
}

export interface NativeCall {
  readonly api: {
    readonly service: string;
    readonly endpoint: string;
    readonly raw: boolean;
    readonly requiresAuth: boolean;
    readonly tags: readonly string[];
  };
  readonly method: string;
  readonly path: string;
  readonly pathAndQuery: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
}

export interface NativeResponse {
  writeHead(status: number, headers: Readonly<Record<string, unknown>>): void;
  writeBody(piece: Buffer, done?: () => void): void;
  writeBodyMulti(pieces: readonly Buffer[], done?: () => void): void;
  close(piece?: Buffer | null, done?: () => void): void;
}

export interface NativeBody {
  start(push: (piece: Buffer | null) => boolean, destroy: (error?: Error) => void): void;
  read(): void;
}

interface NativeRoute {
  readonly service: string;
  readonly name: string;
  readonly handler: NativeHandler;
}

const handlers = new Map<string, NativeHandler>();

/** The one class of the native library that encore.dev makes an instance of. */
export class Runtime {
  /** encore.dev warns when this is not its own version: a new one must be held against this stand-in. */
  static version(): string {
    return "v1.58.6";
  }

  /** Asked for while encore.dev loads; the service writes its own log, so that nothing is ever logged through it. */
  logger(): object {
    return {};
  }

  registerHandlers(routes: readonly NativeRoute[]): void {
    for (const { service, name, handler } of routes) handlers.set(`${service}.${name}`, handler);
  }
}

/** @throws {Error} when encore.dev has registered no such endpoint. */
export function registeredHandler(service: string, name: string): NativeHandler {
  const handler = handlers.get(`${service}.${name}`);
  if (!handler) throw new Error(`${service}.${name} was never registered`);
  return handler;
}
