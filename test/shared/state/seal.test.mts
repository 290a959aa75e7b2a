import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import { createSealer, openUnder, SealError, type SealKey, sealUnder } from "../../../shared/state/seal.ts";

function newKey(kid: string): SealKey {
  return { kid, k: randomBytes(32).toString("base64url") };
}

/** Every box that differs from `box` in one bit of what its base64url part `index` holds. */
function* damaged(box: string, index: number): Generator<string> {
  const parts = box.split(".");
  const bytes = Buffer.from(parts[index] ?? "", "base64url");
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const copy = Buffer.from(bytes);
    copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    yield parts.with(index, copy.toString("base64url")).join(".");
  }
}

describe("a sealer", () => {
  test("opens what it sealed, whatever the text, the purpose and the key's name", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string(), fc.string({ minLength: 1, unit: "grapheme" }), (text, purpose, kid) => {
        const sealer = createSealer([newKey(kid)]);
        assert.equal(sealer.open(purpose, sealer.seal(purpose, text)), text);
      }),
      { numRuns: 100 },
    );
  });

  test("never makes the same box twice and does not show the text", () => {
    const sealer = createSealer([newKey("one")]);
    const boxes = Array.from({ length: 100 }, () => sealer.seal("test", "the secret text"));
    assert.equal(new Set(boxes).size, 100);
    for (const box of boxes) assert.equal(Buffer.from(box.split(".")[1] ?? "", "base64url").includes("secret"), false);
  });

  test("opens a box for the purpose it was sealed for only", () => {
    const sealer = createSealer([newKey("one")]);
    assert.throws(() => sealer.open("another", sealer.seal("one", "text")), SealError);
  });

  test("refuses a box of which any one bit was changed", () => {
    const sealer = createSealer([newKey("one")]);
    const box = sealer.seal("test", "text");
    for (const part of [0, 1]) for (const wrong of damaged(box, part)) assert.throws(() => sealer.open("test", wrong), SealError);
  });

  test("refuses a box that was cut short or that is none", () => {
    const sealer = createSealer([newKey("one")]);
    const box = sealer.seal("test", "text");
    for (let length = 0; length < box.length; length++) assert.throws(() => sealer.open("test", box.slice(0, length)), SealError);
    for (const none of ["", ".", "..", "text", "b25l.", "b25l.AAAA"]) assert.throws(() => sealer.open("test", none), SealError);
  });

  test("seals with the first key and opens with any, so that keys can be changed without losing a box", () => {
    const [older, newer] = [newKey("older"), newKey("newer")];
    const before = createSealer([older]);
    const between = createSealer([newer, older]);
    const afterwards = createSealer([newer]);
    assert.equal(between.open("test", before.seal("test", "old")), "old");
    assert.equal(afterwards.open("test", between.seal("test", "new")), "new");
    assert.throws(() => afterwards.open("test", before.seal("test", "old")), SealError);
  });

  test("refuses the box of a key with the same name and other bytes", () => {
    assert.throws(() => createSealer([newKey("one")]).open("test", createSealer([newKey("one")]).seal("test", "text")), SealError);
  });

  test("cannot be made without a key", () => {
    assert.throws(() => createSealer([]), SealError);
  });
});

describe("a box sealed under a token", () => {
  test("opens with that token and that purpose only", () => {
    const box = sealUnder("the token", "reply", "text");
    assert.equal(openUnder("the token", "reply", box), "text");
    assert.throws(() => openUnder("the tokem", "reply", box), SealError);
    assert.throws(() => openUnder("the token", "replx", box), SealError);
    assert.throws(() => openUnder("", "reply", box), SealError);
  });

  test("is refused when any one bit was changed or it was cut short", () => {
    const box = sealUnder("the token", "reply", "text");
    for (const wrong of damaged(box, 0)) assert.throws(() => openUnder("the token", "reply", wrong), SealError);
    for (let length = 0; length < box.length; length++) {
      assert.throws(() => openUnder("the token", "reply", box.slice(0, length)), SealError);
    }
  });
});
