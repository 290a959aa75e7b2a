import type { Exchange } from "../../shared/http/exchange.ts";

/** A GET as `serve` hands it to a handler, for handlers that are tested without a host. */
export function exchangeOf(path: string): Exchange {
  return {
    id: "request-1",
    method: "GET",
    path,
    query: new URLSearchParams(),
    address: "127.0.0.1",
    host: "localhost:4000",
    loopback: true,
    signal: new AbortController().signal,
    header: () => undefined,
    body: async () => Buffer.alloc(0),
    note: () => {},
  };
}
