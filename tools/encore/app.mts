import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const headerName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, "must be a header name");

const globalCors = z.strictObject({
  debug: z.boolean().optional(),
  allow_headers: z.array(headerName).default([]),
  expose_headers: z.array(headerName).default([]),
  allow_origins_with_credentials: z
    .array(z.string().refine((origin) => origin !== "*", { error: "must name origins: * would lend everyone the person's cookies" }))
    .default([]),
  allow_origins_without_credentials: z.array(z.string()).default(["*"]),
});
/** `global_cors` of an Encore app: what its gateway tells browsers. */
export type GlobalCors = z.infer<typeof globalCors>;

const appFile = z.looseObject({
  id: z.string(),
  lang: z.literal("typescript"),
  global_cors: globalCors.default(globalCors.parse({})),
});
/** The file `encore.app`, as far as the hosts here obey it. */
export type AppFile = z.infer<typeof appFile>;

/** @throws {Error} saying what is wrong with `encore.app`, one line a fault. */
export function parseApp(text: string): AppFile {
  const parsed = appFile.safeParse(JSON.parse(standardJson(text)));
  if (parsed.success) return parsed.data;
  throw new Error(parsed.error.issues.map((issue) => [...issue.path.map(String), issue.message].join(": ")).join("\n"));
}

export function readApp(root: string): AppFile {
  return parseApp(readFileSync(join(root, "encore.app"), "utf8"));
}

/** Encore reads `encore.app` with comments and trailing commas, and its own command line writes comments into it. */
function standardJson(text: string): string {
  return text
    .replace(/("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (_, string?: string) => string ?? "")
    .replace(/("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])/g, (_, string?: string) => string ?? "");
}
