import { api } from "encore.dev/api";
import { serve } from "../shared/http/serve.ts";
import { handleMcp } from "./transport/streamable-http.ts";
import { mcpSurface } from "./transport/surface.ts";

export const mcp = api.raw({ expose: true, method: "*", path: "/mcp", bodyLimit: 4194304 }, serve(mcpSurface, handleMcp));
