import { api } from "encore.dev/api";
import { serve } from "../shared/http/serve.ts";
import { handleMcp } from "./transport/streamable-http.ts";
import { mcpSurface } from "./transport/surface.ts";

export const mcp = api.raw({ expose: true, method: "*", path: "/mcp", bodyLimit: 8 * 1024 * 1024 }, serve(mcpSurface, handleMcp));
