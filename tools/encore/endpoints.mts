import { existsSync, readdirSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type EndpointOptions, type RawHandler, recordedOptions } from "./api.mts";

/** An endpoint as Encore sees it: an exported `api.raw` of a service's `endpoints.ts`. */
export interface Endpoint {
  readonly service: string;
  readonly name: string;
  readonly options: EndpointOptions;
  readonly handler: RawHandler;
}

/** The folders below `root` that are Encore services, in alphabetical order. */
export function serviceFolders(root: string): readonly string[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(root, entry.name, "encore.service.ts")))
    .map((entry) => entry.name)
    .sort();
}

/** Imports the `endpoints.ts` of every service below `root`: the only route table there is. */
export async function loadEndpoints(root: string): Promise<readonly Endpoint[]> {
  const hooks = recordInsteadOfEncore();
  const endpoints: Endpoint[] = [];
  for (const service of serviceFolders(root)) {
    const module: Readonly<Record<string, unknown>> = await import(pathToFileURL(join(root, service, "endpoints.ts")).href);
    for (const [name, value] of Object.entries(module)) {
      const options = recordedOptions(value);
      if (options) endpoints.push({ service, name, options, handler: value as RawHandler });
    }
  }
  // A hook is asked about every module that is loaded, later ones too.
  hooks.deregister();
  return endpoints;
}

/** Encore's own module needs its native library, so that sources get the recorder under its name. */
function recordInsteadOfEncore() {
  const url = new URL("./api.mts", import.meta.url).href;
  return registerHooks({
    resolve: (specifier, context, next) => (specifier === "encore.dev/api" ? { url, shortCircuit: true } : next(specifier, context)),
  });
}
