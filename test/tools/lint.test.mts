import assert from "node:assert/strict";
import { test } from "node:test";
import { lintApp } from "../../tools/encore/lint.mts";
import { serviceFile, writeApp } from "./app-folder.mts";

const GOOD = {
  "books/encore.service.ts": serviceFile("books"),
  "books/endpoints.ts": [
    'import { api, type RawRequest } from "encore.dev/api";',
    'import { handle } from "./handle.ts";',
    'export const list = api.raw({ expose: true, method: ["GET", "HEAD"], path: "/books" }, handle);',
    'export const add = api.raw({ expose: true, method: "POST", path: "/books", bodyLimit: 4 * 1024 * 1024, sensitive: true }, handle);',
    'export const one = api.raw({ expose: true, method: "*", path: "/books/:id", bodyLimit: null }, handle);',
    'export const fixed = api.raw({ expose: true, method: "GET", path: "/books/new" }, handle);',
    'export const files = api.raw({ expose: true, method: "GET", path: "/files/*rest", bodyLimit: 10 }, handle);',
    "export type { RawRequest };",
  ].join("\n"),
  "books/handle.ts": 'import type { RawHandler } from "encore.dev/api";\nexport const handle: RawHandler = () => {};\n',
  "tools/free.mts": "export const here = import.meta.url;",
  "encore.app": '{ // linked by the command line\n "id": "books", "lang": "typescript", }',
};

/** Lints the good app with some of its files replaced. */
function lint(files: Readonly<Record<string, string>>): readonly string[] {
  const app = writeApp({ ...GOOD, ...files });
  const findings = lintApp(app.root);
  app.remove();
  return findings.map(({ file, line, message, mend }) => {
    assert.notEqual(mend, "");
    return `${file}:${line} ${message}`;
  });
}

function options(text: string): Readonly<Record<string, string>> {
  return { "books/endpoints.ts": `import { api } from "encore.dev/api";\n\nexport const list = api.raw(${text}, () => {});` };
}

function withSecond(text: string): Readonly<Record<string, string>> {
  return { "books/endpoints.ts": `${GOOD["books/endpoints.ts"]}\n${text}` };
}

test("an app that keeps to the rules has no findings", () => {
  assert.deepEqual(lint({}), []);
});

const BAD: readonly (readonly [rule: string, files: Readonly<Record<string, string>>, finding: RegExp])[] = [
  ["options in a constant", options("OPTIONS"), /^books\/endpoints\.ts:3 the options are not an object literal/],
  ["a spread", options('{ ...common, expose: true, method: "GET", path: "/a" }'), /:3 the options have a spread/],
  ["a shorthand", options('{ expose: true, method: "GET", path: "/a", bodyLimit }'), /:3 an option is a shorthand/],
  [
    "a computed name",
    options('{ expose: true, method: "GET", path: "/a", ["bodyLimit"]: 1 }'),
    /:3 an option is a shorthand, a method or has a computed name/,
  ],
  ["an unknown option", options('{ expose: true, method: "GET", path: "/a", auth: true }'), /:3 auth is not an option/],
  ["an option that is there twice", options('{ expose: true, method: "GET", path: "/a", path: "/b" }'), /:3 path is there twice/],
  ["no expose", options('{ method: "GET", path: "/a" }'), /:3 expose is not true/],
  ["expose: false", options('{ expose: false, method: "GET", path: "/a" }'), /:3 expose is not true/],
  ["sensitive in a constant", options('{ expose: true, method: "GET", path: "/a", sensitive: YES }'), /:3 sensitive is not a literal/],
  ["a path in single quotes", options("{ expose: true, method: \"GET\", path: '/a' }"), /:3 path is not a string in double quotes/],
  ["a path in a template", options('{ expose: true, method: "GET", path: `/a` }'), /:3 path is not a string in double quotes/],
  ["no path", options('{ expose: true, method: "GET" }'), /:3 path is not a string in double quotes/],
  ["a path without a slash", options('{ expose: true, method: "GET", path: "a" }'), /:3 the path a is not valid: a path begins with/],
  ["an empty segment", options('{ expose: true, method: "GET", path: "/a//b" }'), /:3 the path .* no empty segment/],
  ["a slash at the end", options('{ expose: true, method: "GET", path: "/a/" }'), /:3 the path .* no slash at its end/],
  ["a parameter without a name", options('{ expose: true, method: "GET", path: "/a/:" }'), /:3 the path .* needs a name/],
  ["a parameter within a segment", options('{ expose: true, method: "GET", path: "/a/x:id" }'), /:3 the path .* neither plain text/],
  ["a query", options('{ expose: true, method: "GET", path: "/a?b=c" }'), /:3 the path .* neither plain text/],
  ["a wildcard that is not last", options('{ expose: true, method: "GET", path: "/*all/b" }'), /:3 the path .* wildcard is the last/],
  ["a fallback", options('{ expose: true, method: "GET", path: "/!all" }'), /:3 the path .* fallback/],
  ["no method", options('{ expose: true, path: "/a" }'), /:3 method is not a literal/],
  ["a method in a constant", options('{ expose: true, method: GET, path: "/a" }'), /:3 method is not a literal/],
  ["a method in lower case", options('{ expose: true, method: "get", path: "/a" }'), /:3 method is not a literal/],
  ["* among others", options('{ expose: true, method: ["*", "GET"], path: "/a" }'), /:3 method is not a literal/],
  ["a spread of methods", options('{ expose: true, method: ["GET", ...MORE], path: "/a" }'), /:3 method is not a literal/],
  ["a body limit in a constant", options('{ expose: true, method: "GET", path: "/a", bodyLimit: LIMIT }'), /:3 bodyLimit is neither/],
  ["a body limit that is a sum", options('{ expose: true, method: "GET", path: "/a", bodyLimit: 1 + 1 }'), /:3 bodyLimit is neither/],
  ["a product with null", options('{ expose: true, method: "GET", path: "/a", bodyLimit: 2 * null }'), /:3 bodyLimit is neither/],
  [
    "no handler",
    {
      "books/endpoints.ts": 'import { api } from "encore.dev/api";\nexport const a = api.raw({ expose: true, method: "GET", path: "/a" });',
    },
    /:2 api\.raw takes options and a handler/,
  ],
  [
    "an endpoint that is not exported",
    withSecond('const hidden = api.raw({ expose: true, method: "GET", path: "/a" }, handle);'),
    /:9 api is used for/,
  ],
  [
    "an endpoint in a let",
    withSecond('export let a = api.raw({ expose: true, method: "GET", path: "/a" }, handle);'),
    /:9 api is used for/,
  ],
  [
    "an endpoint that is the default export",
    withSecond('export default api.raw({ expose: true, method: "GET", path: "/a" }, handle);'),
    /:9 api is used for/,
  ],
  [
    "an endpoint that is not raw",
    withSecond('export const a = api({ expose: true, method: "GET", path: "/a" }, async () => {});'),
    /:9 api is used for/,
  ],
  [
    "one name twice",
    withSecond('export const list = api.raw({ expose: true, method: "GET", path: "/a" }, handle);'),
    /:9 books has two endpoints named list/,
  ],
  [
    "one path and method twice",
    withSecond('export const a = api.raw({ expose: true, method: ["GET", "PUT"], path: "/books" }, handle);'),
    /:9 the path of a conflicts with that of books\.list: both declare GET/,
  ],
  [
    "two names for one parameter",
    withSecond('export const a = api.raw({ expose: true, method: "GET", path: "/books/:name/pages" }, handle);'),
    /:9 the path of a conflicts with that of books\.one: :id and :name name one position differently/,
  ],
  [
    "a parameter beside a wildcard, in another service and method",
    {
      "shelf/encore.service.ts": serviceFile("shelf"),
      "shelf/endpoints.ts":
        'import { api } from "encore.dev/api";\nexport const a = api.raw({ expose: true, method: "PUT", path: "/files/:name" }, () => {});',
    },
    /^shelf\/endpoints\.ts:2 the path of a conflicts with that of books\.files: \*rest and :name stand at one position/,
  ],
  [
    "a service of another name",
    { "books/encore.service.ts": serviceFile("shelf") },
    /^books\/encore\.service\.ts:3 it is more or less than the service "books"/,
  ],
  [
    "a service with options",
    { "books/encore.service.ts": serviceFile("books").replace(")", ", {})") },
    /encore\.service\.ts:3 it is more or less/,
  ],
  [
    "a service file with more in it",
    { "books/encore.service.ts": `${serviceFile("books")}export const more = 1;` },
    /encore\.service\.ts:3 it is more or less/,
  ],
  ["a service file without a service", { "books/encore.service.ts": "export default 1;" }, /encore\.service\.ts:1 it is more or less/],
  [
    "a nested service",
    { "books/deep/encore.service.ts": serviceFile("deep") },
    /^books\/deep\/encore\.service\.ts:1 a service is not a folder directly below/,
  ],
  [
    "a service at the root",
    { "encore.service.ts": serviceFile("root") },
    /^encore\.service\.ts:1 a service is not a folder directly below/,
  ],
  [
    "a service without endpoints",
    { "shelf/encore.service.ts": serviceFile("shelf") },
    /^shelf\/endpoints\.ts:1 the service shelf has none/,
  ],
  ["an app file that is not JSON", { "encore.app": "{ lang: 1 }" }, /^encore\.app:1 /],
  ["an app in another language", { "encore.app": '{ "id": "", "lang": "go" }' }, /^encore\.app:1 lang: /],
  [
    "credentials for every origin",
    { "encore.app": '{ "id": "", "lang": "typescript", "global_cors": { "allow_origins_with_credentials": ["*"] } }' },
    /^encore\.app:1 global_cors: allow_origins_with_credentials: 0: must name origins/,
  ],
  [
    "a field of CORS that Encore does not know",
    { "encore.app": '{ "id": "", "lang": "typescript", "global_cors": { "allow_origin": ["*"] } }' },
    /^encore\.app:1 global_cors: .*allow_origin/,
  ],
  ["a trailing comma in tsconfig.json", { "tsconfig.json": '{\n  "compilerOptions": {},\n}' }, /^tsconfig\.json:3 /],
  ["a comment in tsconfig.json", { "tsconfig.json": "{\n  // strict\n}" }, /^tsconfig\.json:2 /],
  [
    "a source that does not parse",
    { "books/handle.ts": "export const handle = () => {};\nexport const = 1;" },
    /^books\/handle\.ts:2 it does not parse/,
  ],
  [
    "import.meta.url",
    { "books/handle.ts": "export const handle = () => {};\nexport const here = import.meta.url;" },
    /^books\/handle\.ts:2 import\.meta is/,
  ],
  [
    "an import of a file that is not there",
    { "books/handle.ts": 'export const handle = () => {};\nimport "./gone.ts";' },
    /^books\/handle\.ts:2 \.\/gone\.ts is not a file/,
  ],
  ["an import without its extension", { "books/more.ts": 'export * from "./handle";' }, /^books\/more\.ts:1 \.\/handle is not a file/],
  [
    "a lazy import of a file that is not there",
    { "books/more.ts": 'export const more = () => import("./gone.ts");' },
    /^books\/more\.ts:1 \.\/gone\.ts is not a file/,
  ],
  [
    "a type of a file that is not there",
    { "books/more.ts": 'export type { Gone } from "./gone.ts";' },
    /^books\/more\.ts:1 \.\/gone\.ts is not a file/,
  ],
  [
    "a computed import",
    { "books/more.ts": "export const more = (name: string) => import(name);" },
    /^books\/more\.ts:1 what is imported is computed/,
  ],
  [
    "encore.dev/api elsewhere",
    { "books/more.ts": 'import { api } from "encore.dev/api";\nexport { api };' },
    /^books\/more\.ts:1 encore\.dev\/api needs/,
  ],
  [
    "encore.dev/api in endpoints.ts of no service",
    { "shared/endpoints.ts": 'import { api } from "encore.dev/api";\nexport { api };' },
    /^shared\/endpoints\.ts:1 encore\.dev\/api needs/,
  ],
  [
    "encore.dev/service elsewhere",
    { "books/more.ts": 'export { Service } from "encore.dev/service";' },
    /^books\/more\.ts:1 encore\.dev\/service needs/,
  ],
  [
    "encore.dev/log",
    { "books/more.ts": 'import log from "encore.dev/log";\nexport { log };' },
    /^books\/more\.ts:1 encore\.dev\/log needs/,
  ],
  [
    "encore.dev itself, lazily",
    { "books/more.ts": 'export const meta = () => import("encore.dev");' },
    /^books\/more\.ts:1 encore\.dev needs/,
  ],
  ["generated clients", { "books/more.ts": 'export { shelf } from "~encore/clients";' }, /^books\/more\.ts:1 ~encore\/clients exists only/],
];
for (const [rule, files, finding] of BAD) {
  test(`the lint finds ${rule}`, () => {
    const findings = lint(files);
    assert.equal(findings.length, 1, findings.join("\n"));
    assert.match(findings[0] ?? "", finding);
  });
}
