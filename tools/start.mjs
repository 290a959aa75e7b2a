// Serves Portico: `node tools/start.mjs [folder]`. Plain JavaScript, because what is to be cached must be loaded after the
// cache is there, and Node takes as long to load what strips types as to load the rest of the service from it.
import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";

// Without a writable folder it does nothing.
enableCompileCache(fileURLToPath(new URL("../node_modules/.cache/portico", import.meta.url)));
await import("./serve.mts");
