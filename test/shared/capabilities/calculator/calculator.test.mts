import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { ExpressionFault, loadEvaluator } from "../../../../shared/capabilities/calculator/expression.ts";
import { failsSaying, type OpenPacks, openPacks } from "../packs.mts";

let packs: OpenPacks;
let evaluate: Awaited<ReturnType<typeof loadEvaluator>>;
before(async () => {
  packs = await openPacks({ CAPABILITIES: "calculator" });
  evaluate = await loadEvaluator();
});
after(() => packs.close());

for (const [expression, result] of [
  ["0.1 + 0.2", "0.3"],
  ["2^200", "1606938044258990275541962092341162602522202993782792835301376"],
  ["-2^2", "-4"],
  ["2^3^2", "512"],
  ["(1 + 2) * 3 - 4 / 8", "8.5"],
  ["10 mod 3", "1"],
  ["5% * 80", "4"],
  ["sqrt(2)", "1.414213562373095"],
  ["cbrt(27)", "3"],
  ["log(1000, 10)", "3"],
  ["cos(60 deg)", "0.5"],
  ["mean(3, 5, 10)", "6"],
  ["std(1, 2, 3, 4)", "1.290994448735806"],
  ["20!", "2432902008176640000"],
  ["combinations(49, 6)", "13983816"],
  ["gcd(84, 36) + lcm(4, 6)", "24"],
  ["round(2.567, 2)", "2.57"],
  ["e^(pi * 0)", "1"],
  ["1e30 / 3", "3.333333333333333e+29"],
  ["1 / 3e9", "3.333333333333333e-10"],
  ["0x1f", "31"],
  ["72 degF to degC", "22.22222222222222 degC"],
  ["5 km to mile", "3.10685596118667 mile"],
  ["3 m + 20 cm", "3.2 m"],
  ["100 km/hour to m/s", "27.77777777777778 m / s"],
  ["1 GiB to MB", "1073.741824 MB"],
] as const) {
  test(`${expression} is ${result}`, async () => {
    assert.equal((await packs.call("calculator", { expression })).result, result);
  });
}

test("the answer has the expression, the text, the number and the unit", async () => {
  assert.deepEqual(await packs.call("calculator", { expression: "3 m + 20 cm" }), {
    expression: "3 m + 20 cm",
    result: "3.2 m",
    value: 3.2,
    unit: "m",
  });
  assert.deepEqual(await packs.call("calculator", { expression: "1e350 * 2" }), { expression: "1e350 * 2", result: "2e+350" });
});

test("as many digits come back as are asked for", async () => {
  assert.equal((await packs.call("calculator", { expression: "1/3", digits: 3 })).result, "0.333");
  assert.equal((await packs.call("calculator", { expression: "pi", digits: 40 })).result, "3.141592653589793238462643383279502884197");
});

for (const [expression, words] of [
  ["1 +", /no value/],
  ["(1", /no value/],
  ["1 000", /Unexpected part/],
  ["1 / 0", /division by zero/],
  ["0 / 0", /not? .*real|no value that is a real/],
  ["sqrt(-1)", /real number/],
  ["9^9^9^9", /beyond 1e400/],
  ["5 kg + 3 m", /Units do not match/],
  ["km", /no number/],
  ["sin(1, 2, 3)", /no value|does not take/],
  ["factorial(1001)", /up to 1000/],
  ["100000!", /up to 1000/],
  ["combinations(1e9, 5e8)", /up to 1000/],
  ["mod(1e300, 7)", /up to 1e48/],
  ["sin(1e100)", /up to 1e48/],
  ["sinh(1e6)", /up to 500/],
  ["cosh(1e300)", /up to 500/],
  ["tanh(-1e300)", /up to 500/],
  ["atan(1e390)", /up to 1e48/],
  ["atan(1e-390)", /from 1e-48/],
  ["asin(1e-390)", /from 1e-48/],
  ["cos(1e-400)", /from 1e-48/],
  ["atan2(1, 1e399)", /up to 1e24/],
] as const) {
  test(`${expression} is refused with what is wrong`, async () => {
    await assert.rejects(packs.call("calculator", { expression }), failsSaying("invalid_input", words));
  });
}

for (const attack of [
  "import({a: 1})",
  'import("fs")',
  "evaluate(1)",
  'parse("1")',
  "compile(1)",
  "createUnit(1)",
  'simplify("x")',
  "derivative(x, x)",
  "config(1)",
  "typed(1)",
  "chain(1)",
  "reviver(1)",
  "unit(1)",
  "random()",
  "a = 1",
  "f(x) = x",
  "a",
  "cos.constructor",
  "cos.constructor(1)",
  "constructor",
  "__proto__",
  "hasOwnProperty(1)",
  "this",
  "Infinity",
  "NaN",
  "i",
  "[1, 2]",
  "{a: 1}",
  "1:1000000000",
  "ones(100000)",
  "zeros(1e9)",
  "map(1, 2)",
  '"a"',
  "'a'",
  "`a`",
  "1; 2",
  "1 ? 2 : 3",
  "1 > 2",
  "true",
  "end",
  "5'",
  "\\u0061",
  "(1)(2)(",
  "cos(cos)",
  "cos",
] as const) {
  test(`${attack} is refused`, () => {
    assert.throws(() => evaluate(attack, 16), ExpressionFault);
  });
}

test("what is long or deep is refused before it is parsed", async () => {
  await assert.rejects(packs.call("calculator", { expression: "1".repeat(501) }), failsSaying("invalid_input", /expression/));
  for (const expression of [`${"(".repeat(40)}1${")".repeat(40)}`, `${"-".repeat(400)}1`, `2${"!".repeat(300)}`, `${"1+".repeat(249)}1`]) {
    assert.throws(() => evaluate(expression, 16), /nested too deeply|too long/);
  }
});

test("the hardest sums of the longest expressions take less than two seconds of the processor", () => {
  for (const term of [
    "1000!+",
    "sin(1e47)+",
    "asin(0.3)+",
    "1.0000001^1e15+",
    "nthRoot(3,1e15)+",
    "combinations(1000,500)+",
    "permutations(999,500)+",
    "gcd(1e47+1,9e46+7)+",
    "exp(9e2)+",
    "9^9^9^9+",
    "(5 km)^40+",
    "std(1,2,3)+",
    "cosh(499)+",
    "sinh(499)+",
    "tanh(499)+",
    "atan(9e47)+",
    "atan(1e-47)+",
    "asinh(9e47)+",
    "atan2(9e23,1e-23)+",
  ]) {
    const expression = `${term.repeat(Math.floor(490 / term.length))}1`;
    const used = process.cpuUsage();
    try {
      evaluate(expression, 64);
    } catch (error) {
      assert.ok(error instanceof ExpressionFault, term);
    }
    assert.ok(process.cpuUsage(used).user < 2_000_000, term);
  }
});

test("whatever is written gives a value or says what is wrong", () => {
  const piece = fc.constantFrom(
    "1",
    "2.5",
    "1e9",
    "+",
    "-",
    "*",
    "/",
    "^",
    "!",
    "%",
    "(",
    ")",
    ",",
    " ",
    "km",
    "pi",
    "sqrt(",
    "mean(",
    "to",
    "mod",
    "e",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join("")),
        fc.string({ unit: "binary", maxLength: 60 }),
      ),
      (expression) => {
        try {
          assert.notEqual(evaluate(expression, 16).text, "");
        } catch (error) {
          assert.ok(error instanceof ExpressionFault, String(error));
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("one expression leaves nothing behind for the next", () => {
  assert.throws(() => evaluate("x = 5", 16), ExpressionFault);
  assert.throws(() => evaluate("x", 16), ExpressionFault);
  assert.equal(evaluate("1 + 1", 16).text, "2");
});
