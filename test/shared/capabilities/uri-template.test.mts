import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseUriTemplate } from "../../../shared/capabilities/uri-template.ts";

/** Percent-encoded as RFC 6570 §3.2.2 says: everything but the unreserved characters. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

for (const [template, uri, variables] of [
  ["test://template/{id}/data", "test://template/7/data", { id: "7" }],
  ["test://template/{id}/data", "test://template/a%20b%C3%A9/data", { id: "a bé" }],
  ["notes://{owner}/{note}", "notes://ann/1", { owner: "ann", note: "1" }],
  ["notes://{note}", "notes://a%2Fb", { note: "a/b" }],
  ["notes://{a}-{b}", "notes://1-2-3", { a: "1", b: "2-3" }],
  ["notes://{a}-{b}/x", "notes://--1/x", { a: "-", b: "1" }],
  ["notes://plain", "notes://plain", {}],
] as const) {
  test(`${uri} is of the form ${template}`, () => {
    assert.deepEqual(parseUriTemplate(template).match(uri), variables);
  });
}

for (const [template, uri] of [
  ["test://template/{id}/data", "test://template//data"],
  ["test://template/{id}/data", "test://template/a/b/data"],
  ["test://template/{id}/data", "test://template/7/data/"],
  ["test://template/{id}/data", "test://template/7"],
  ["notes://{note}", "notes://"],
  ["notes://{note}", "NOTES://1"],
  ["notes://{note}", "notes://%"],
  ["notes://{note}", "notes://%zz"],
  ["notes://{note}", "notes://%ff"],
  ["notes://{a}-{b}", "notes://-1"],
  ["notes://{a}-end", "notes://-end"],
  ["notes://plain", "notes://plainer"],
] as const) {
  test(`${uri} is not of the form ${template}`, () => {
    assert.equal(parseUriTemplate(template).match(uri), undefined);
  });
}

for (const [template, fault] of [
  ["notes://{id", /braces do not pair/],
  ["notes://id}", /braces do not pair/],
  ["notes://{{id}}", /braces do not pair/],
  ["notes://{}", /not a variable of level 1/],
  ["notes://{+path}", /not a variable of level 1/],
  ["notes://{a,b}", /not a variable of level 1/],
  ["notes://{id:3}", /not a variable of level 1/],
  ["notes://{id}/{id}", /is there twice/],
  ["notes://{a}{b}", /side by side/],
  ["{id}", /nothing but a variable/],
  ["", /nothing but a variable/],
  ["notes://a b/{id}", /no address has/],
] as const) {
  test(`the template "${template}" is refused`, () => {
    assert.throws(() => parseUriTemplate(template), fault);
  });
}

const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,5}$/);
const literal = fc.stringMatching(/^[a-z0-9/._~-]{1,6}$/);
const value = fc.string({ minLength: 1, unit: "grapheme" }).filter((text) => text.isWellFormed());

test("whatever stands between slashes comes out as it was put in", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, maxLength: 4 }), (pairs) => {
      const template = `x://start${pairs.map(([key]) => `/{${key}}`).join("")}/end`;
      const uri = `x://start${pairs.map(([, text]) => `/${encoded(text)}`).join("")}/end`;
      assert.deepEqual(parseUriTemplate(template).match(uri), Object.fromEntries(pairs));
    }),
  );
});

test("an address is of a form exactly when some filling in gives it", () => {
  fc.assert(
    fc.property(
      fc.array(literal, { minLength: 2, maxLength: 4 }),
      fc.array(fc.stringMatching(/^[a-z0-9._~/-]{0,5}$/), { minLength: 3, maxLength: 3 }),
      (literals, fillings) => {
        const template = literals.map((text, index) => (index === 0 ? `x:${text}` : `{v${index}}${text}`)).join("");
        const uri = literals.map((text, index) => (index === 0 ? `x:${text}` : `${fillings[index - 1]}${text}`)).join("");
        const tried = new RegExp(`^x:${literals.map((text) => text.replace(/[.~-]/g, "\\$&")).join("[^/]+")}$`).test(uri);
        assert.equal(parseUriTemplate(template).match(uri) !== undefined, tried);
      },
    ),
    { numRuns: 2_000 },
  );
});

test("an address made to be tried in many ways costs no more than its length", () => {
  const { match } = parseUriTemplate("x:{a}-{b}-{c}-{d}-{e}!");
  const startedAt = performance.now();
  assert.equal(match(`x:${"-".repeat(200_000)}`), undefined);
  assert.ok(performance.now() - startedAt < 1_000);
});
