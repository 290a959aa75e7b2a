import { z } from "zod";
import { CapabilityError, defineCapability } from "../capability.ts";
import { ExpressionFault, loadEvaluator, MAX_DIGITS, MAX_EXPRESSION } from "./expression.ts";

export const calculate = defineCapability({
  name: "calculator",
  title: "Calculate",
  description:
    "Use this when something has to be calculated exactly: arithmetic, powers, roots, logarithms, trigonometry, statistics, percentages and conversions of units, such as (2 + 3)^10, mean(3, 5, 8), 5% * 80 or 72 degF to degC.",
  scopes: [],
  effect: "read",
  input: z.object({
    expression: z
      .string()
      .min(1)
      .max(MAX_EXPRESSION)
      .describe(
        "What to calculate, with + - * / ^ % mod !, round brackets, functions such as sqrt, log10, sin, round, mod, mean, factorial, the constants pi, tau, e and phi, and units with `to`, such as 5 mile to km.",
      ),
    digits: z.int().min(1).max(MAX_DIGITS).default(16).describe("Significant digits of a result that is not a whole number."),
  }),
  output: z.object({
    expression: z.string().describe("What was calculated."),
    result: z.string().describe("What it comes to, with its unit if it has one."),
    value: z.number().optional().describe("The same as a number, rounded to what JSON can carry; absent beyond its range."),
    unit: z.string().optional().describe("The result's unit; absent when it has none."),
  }),
  async run({ expression, digits }) {
    const evaluate = await loadEvaluator();
    try {
      const { text, number, unit } = evaluate(expression, digits);
      return { expression, result: text, ...(number === undefined ? {} : { value: number }), ...(unit === undefined ? {} : { unit }) };
    } catch (error) {
      if (!(error instanceof ExpressionFault)) throw error;
      throw new CapabilityError("invalid_input", error.message, { faults: [{ field: "expression", message: error.message }] });
    }
  },
});
