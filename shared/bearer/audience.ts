/**
 * The resources tokens are made for. A surface accepts its fixed set of spellings, byte for byte, and never the other
 * surface's (RFC 8707 §2, MCP 2026-07-28 basic/authorization).
 */
export type SurfaceName = "mcp" | "actions";

export interface Audiences {
  /** The surface that a resource names, or nothing when it names none of ours. */
  surfaceOf(resource: string): SurfaceName | undefined;
  /** The resource a surface has when a client names none. */
  standard(surface: SurfaceName): string;
}

/** Paths under which the MCP surface is reached, each a protected resource with metadata of its own. "" is the origin. */
const MCP_PATHS = ["/mcp", "/sse", ""] as const;
export const ACTIONS_PATH = "/actions";

export function createAudiences(publicUrl: string): Audiences {
  const surfaces = new Map<string, SurfaceName>();
  for (const path of MCP_PATHS) {
    surfaces.set(publicUrl + path, "mcp");
    surfaces.set(`${publicUrl}${path}/`, "mcp");
  }
  surfaces.set(publicUrl + ACTIONS_PATH, "actions");
  return {
    surfaceOf: (resource) => surfaces.get(resource),
    standard: (surface) => publicUrl + (surface === "mcp" ? MCP_PATHS[0] : ACTIONS_PATH),
  };
}
