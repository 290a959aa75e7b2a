import type { IncomingMessage, ServerResponse } from "node:http";

/** What `api.raw` takes as its first argument; Encore's names. */
export interface EndpointOptions {
  readonly expose: boolean;
  readonly method: string | readonly string[];
  readonly path: string;
  /** Bytes; null is no limit, absent is Encore's 2 MiB. */
  readonly bodyLimit?: number | null;
}

/** Encore's limit when an endpoint names none, in bytes. */
const DEFAULT_BODY_LIMIT = 2 * 1024 * 1024;

/** Bytes a request's body may have; null is no limit. */
export function bodyLimitOf({ bodyLimit }: EndpointOptions): number | null {
  return bodyLimit === undefined ? DEFAULT_BODY_LIMIT : bodyLimit;
}

export type RawHandler = (request: IncomingMessage, response: ServerResponse) => unknown;

const recorded = new WeakMap<RawHandler, EndpointOptions>();

/** Stands where `encore.dev/api` is imported outside Encore: keeps each endpoint's options beside its handler. */
export const api = {
  raw(options: EndpointOptions, handler: RawHandler): RawHandler {
    const endpoint: RawHandler = (request, response) => handler(request, response);
    recorded.set(endpoint, options);
    return endpoint;
  },
};

/** The options an exported endpoint was declared with; undefined for anything else. */
export function recordedOptions(value: unknown): EndpointOptions | undefined {
  return typeof value === "function" ? recorded.get(value as RawHandler) : undefined;
}
