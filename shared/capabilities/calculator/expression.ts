import type { BigNumber, FactoryFunctionMap, MathJsInstance, MathNode, Unit } from "mathjs";

/** What an expression comes to. */
export interface Value {
  /** As people write it, with its unit if it has one. */
  readonly text: string;
  /** The nearest number that JSON can carry; absent beyond its range. */
  readonly number: number | undefined;
  readonly unit: string | undefined;
}

/** Why an expression has no value, in words for whoever wrote it. */
export class ExpressionFault extends Error {
  override readonly name = "ExpressionFault";
}

/** Characters. */
export const MAX_EXPRESSION = 500;
const MAX_DEPTH = 32;
const MAX_NODES = 250;
/** Significant digits that are reckoned with. */
export const MAX_DIGITS = 64;
/** Magnitudes from 1e-400 to 1e400: what some functions do takes time that grows with the number of places. */
const MAX_EXPONENT = 400;

const OPERATORS = new Set(["+", "-", "*", "/", "^", "mod", "!", "to", "in"]);
const CONSTANTS = new Set(["pi", "tau", "e", "phi"]);
const FUNCTIONS = new Set(
  `abs sign sqrt cbrt nthRoot square cube exp expm1 log log2 log10 log1p ceil floor round fix mod gcd lcm hypot
  sin cos tan asin acos atan atan2 sec csc cot sinh cosh tanh asinh acosh atanh
  min max sum prod mean median std variance`.split(/\s+/),
);
/** Functions that count one by one. */
const COUNTING = ["factorial", "combinations", "permutations"];
/** What functions take, by their magnitude beside 0. */
const RANGES: readonly { readonly names: readonly string[]; readonly least?: string; readonly most: string }[] = [
  { names: COUNTING, most: "1000" },
  // Their result hangs on the last whole digit, which is known up to here.
  { names: ["mod", "gcd", "lcm"], most: "1e48" },
  // The library's series for these take longer the further they are from 1, and far away they never end.
  { names: ["sin", "cos", "tan", "sec", "csc", "cot", "asin", "acos", "atan", "asinh", "acosh", "atanh"], least: "1e-48", most: "1e48" },
  { names: ["atan2"], least: "1e-24", most: "1e24" },
  { names: ["sinh", "cosh", "tanh"], least: "1e-48", most: "500" },
];

/** Members that its types leave out. */
interface WithNumbers {
  readonly BigNumber: { config(settings: { readonly maxE: number; readonly minE: number }): void };
  readonly Unit: { isValuelessUnit(name: string): boolean };
}

type Evaluator = (expression: string, digits: number) => Value;

let loaded: Promise<Evaluator> | undefined;

/**
 * The evaluator, loaded when it is first needed. It reckons in decimals, so that 0.1 + 0.2 is 0.3, and with units. The
 * expression is parsed, and nothing in it is carried out unless it is on the lists above: there are no variables,
 * assignments, functions of one's own, texts, lists, members of objects, and no way to the library itself.
 */
export function loadEvaluator(): Promise<Evaluator> {
  loaded ??= import("mathjs").then(({ all, create }) =>
    createEvaluator(create(all as FactoryFunctionMap, { number: "BigNumber", precision: MAX_DIGITS, predictable: true })),
  );
  return loaded;
}

function createEvaluator(math: MathJsInstance): Evaluator {
  // The limits of decimal.js, on which the library's numbers are built.
  (math as unknown as WithNumbers).BigNumber.config({ maxE: MAX_EXPONENT, minE: -MAX_EXPONENT });
  for (const { names, least, most } of RANGES) for (const name of names) limit(math, name, most, least);
  const isUnit = (name: string) => (math as unknown as WithNumbers).Unit.isValuelessUnit(name);

  return (expression, digits) => {
    checkText(expression);
    const tree = attempt(() => math.parse(expression));
    checkTree(tree, math, isUnit);
    return valueIn(
      attempt(() => tree.evaluate(new Map()) as unknown),
      math,
      digits,
    );
  };
}

type AnyFunction = (...given: readonly unknown[]) => unknown;

/** Has a function of the library, also where an operator stands for it, refuse numbers beyond its range. */
function limit(math: MathJsInstance, name: string, most: string, least = "0"): void {
  const original = (math as unknown as Readonly<Record<string, AnyFunction>>)[name] as AnyFunction;
  const limited: AnyFunction = (...given) => {
    for (const argument of given) {
      const value: unknown = math.isUnit(argument) ? (argument as unknown as { readonly value: unknown }).value : argument;
      if (!math.isBigNumber(value) || value.isZero()) continue;
      if (value.abs().gt(most)) throw new ExpressionFault(`${name} takes numbers up to ${most}.`);
      if (value.abs().lt(least)) throw new ExpressionFault(`${name} takes 0 and numbers from ${least}.`);
    }
    return original(...given);
  };
  math.import({ [name]: limited }, { override: true });
}

/** Before the parser, which goes one level down for each bracket and each sign. */
function checkText(expression: string): void {
  if (expression.length > MAX_EXPRESSION) throw new ExpressionFault(`The expression is longer than ${MAX_EXPRESSION} characters.`);
  if (expression.trim() === "") throw new ExpressionFault("The expression is empty.");
  if (/[\n;=[\]{}"'`\\#:?&|~<>]/.test(expression)) {
    throw new ExpressionFault("Only numbers, units, operators, functions and round brackets can be used.");
  }
  let depth = 0;
  let deepest = 0;
  for (const character of expression) {
    if (character === "(") deepest = Math.max(deepest, ++depth);
    if (character === ")") depth--;
  }
  if (deepest > MAX_DEPTH || /(?:[-+^!]\s*){20}/.test(expression)) throw new ExpressionFault("The expression is nested too deeply.");
}

function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof ExpressionFault) throw error;
    // The library's words for it tell of its own types.
    if (error instanceof TypeError)
      throw new ExpressionFault("A function or an operator does not take what it is given.", { cause: error });
    throw new ExpressionFault(`The expression has no value: ${(error as Error).message}`, { cause: error });
  }
}

function checkTree(tree: MathNode, math: MathJsInstance, isUnit: (name: string) => boolean): void {
  let nodes = 0;
  const visit = (node: MathNode, depth: number) => {
    if (++nodes > MAX_NODES || depth > 4 * MAX_DEPTH) throw new ExpressionFault("The expression is too long.");
    checkNode(node, math, isUnit);
    node.forEach((child, path) => {
      // A function's name is on the lists of functions, not on those of values.
      if (path !== "fn") visit(child, depth + 1);
    });
  };
  visit(tree, 0);
}

interface AnyNode {
  readonly type: string;
  readonly name?: string;
  readonly op?: string;
  readonly value?: unknown;
  readonly fn?: unknown;
}

function checkNode(given: MathNode, math: MathJsInstance, isUnit: (name: string) => boolean): void {
  const node = given as unknown as AnyNode;
  if (node.type === "ParenthesisNode") return;
  // A percent sign has a plain number of its own.
  if (node.type === "ConstantNode" && (typeof node.value === "number" || math.isBigNumber(node.value))) return;
  if (node.type === "OperatorNode" && OPERATORS.has(node.op ?? "")) return;
  if (node.type === "SymbolNode") {
    const name = node.name ?? "";
    if (CONSTANTS.has(name) || isUnit(name)) return;
    throw new ExpressionFault(`"${name}" is neither a unit nor one of the constants ${[...CONSTANTS].join(", ")}.`);
  }
  if (node.type === "FunctionNode") {
    const name = (node.fn as AnyNode | undefined)?.name ?? "";
    if ((node.fn as AnyNode | undefined)?.type === "SymbolNode" && (FUNCTIONS.has(name) || COUNTING.includes(name))) return;
    throw new ExpressionFault(`There is no function "${name}".`);
  }
  throw new ExpressionFault("Only numbers, units, operators, functions and round brackets can be used.");
}

function valueIn(result: unknown, math: MathJsInstance, digits: number): Value {
  if (math.isBigNumber(result)) return { text: written(result, digits), number: asNumber(result), unit: undefined };
  if (math.isUnit(result)) return unitValue(result, math, digits);
  throw new ExpressionFault("The expression has no value that is a number.");
}

function unitValue(unit: Unit, math: MathJsInstance, digits: number): Value {
  const name = unit.formatUnits();
  const value = attempt(() => unit.toNumeric(name)) as unknown;
  if (!math.isBigNumber(value)) throw new ExpressionFault("The unit has no number before it.");
  return { text: `${written(value, digits)} ${name}`, number: asNumber(value), unit: name };
}

/** Whole numbers in full as long as every digit is known. */
function written(value: BigNumber, digits: number): string {
  if (value.isNaN()) throw new ExpressionFault("The expression has no value that is a real number.");
  if (!value.isFinite()) throw new ExpressionFault(`The expression's value is beyond 1e${MAX_EXPONENT}, or a division by zero.`);
  if (value.isInteger() && value.abs().lt(`1e${MAX_DIGITS}`)) return value.toFixed();
  const rounded = value.toSignificantDigits(digits);
  const exponent = rounded.e;
  return exponent < -7 || exponent > 20 ? rounded.toExponential() : rounded.toFixed();
}

function asNumber(value: BigNumber): number | undefined {
  const number = value.toNumber();
  return Number.isFinite(number) ? number : undefined;
}
