import assert from "node:assert/strict";
import { test } from "node:test";
import { renderOutcome, resultOf } from "../../mcp/methods/content.ts";
import type { Outcome } from "../../shared/capabilities/content.ts";

const OUTPUT = { text: 'é "quoted" \u2028', list: [1, null, { deep: true }] };
const OUTCOMES: Readonly<Record<string, Outcome>> = {
  "nothing at all": { content: [] },
  "content alone": { content: [{ type: "text", text: "shown" }] },
  "an output alone": { content: [], output: OUTPUT },
  "an empty output": { content: [], output: {} },
  "content that says the output": { content: [{ type: "text", text: JSON.stringify(OUTPUT) }], output: OUTPUT },
  "content beside an output": { content: [{ type: "text", text: "shown" }], output: OUTPUT },
};

for (const [name, outcome] of Object.entries(OUTCOMES)) {
  test(`a call and a task give the same result: ${name}`, () => {
    const result = resultOf(outcome);
    assert.deepEqual(JSON.parse(`{${renderOutcome(outcome)}}`), result);
    assert.deepEqual(result.structuredContent, outcome.output);
    const says = result.content.filter((block) => block.type === "text" && block.text === JSON.stringify(outcome.output));
    assert.equal(says.length, outcome.output === undefined ? 0 : 1);
  });
}
