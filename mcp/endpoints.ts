import { api } from "encore.dev/api";
import { serve } from "../shared/http/serve.ts";
import { handleMessages, handleSse } from "./transport/http-sse.ts";
import { handleMcp } from "./transport/streamable-http.ts";
import { mcpSurface } from "./transport/surface.ts";

export const mcp = api.raw({ expose: true, method: "*", path: "/mcp", bodyLimit: 8 * 1024 * 1024 }, serve(mcpSurface, handleMcp));
// For clients that were given the service's origin as its address.
export const mcpAtOrigin = api.raw(
  { expose: true, method: ["POST", "DELETE"], path: "/", bodyLimit: 8 * 1024 * 1024 },
  serve(mcpSurface, handleMcp),
);

export const sse = api.raw({ expose: true, method: "*", path: "/sse" }, serve(mcpSurface, handleSse));
export const messages = api.raw(
  { expose: true, method: "*", path: "/messages", bodyLimit: 8 * 1024 * 1024 },
  serve(mcpSurface, handleMessages),
);
