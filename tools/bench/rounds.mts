import { type LoadOptions, type Measure, measure, medianOf, type NextRequest } from "./load.mts";
import { type Effort, type Row, rounded } from "./scenario.mts";
import type { ServerProcess } from "./server-process.mts";

/** One of those that are measured in turns. */
export interface Contender {
  readonly name: string;
  readonly server: ServerProcess;
  /** Makes what a round sends, and takes no time from it. */
  readonly prepare: (seconds: number) => NextRequest | Promise<NextRequest>;
  readonly options?: Omit<LoadOptions, "seconds">;
}

export type Measures = ReadonlyMap<string, Measure>;

/** A contender is warm after this many seconds: the first two or three of them take up to twice as long for a request. */
const WARM_UP = 5;
/** Where rounds are short, nothing more is wanted than to see that it runs. */
const WARM_UP_ROUNDS = 5;

/**
 * The medians of each contender, all measured in turns, round by round: machines drift, and so must everyone at once.
 * Each is warmed up before the first round.
 */
export async function compete(contenders: readonly Contender[], { rounds, seconds }: Effort): Promise<Measures> {
  const measures = new Map<string, Measure[]>(contenders.map(({ name }) => [name, []]));
  const run = async ({ server, prepare, options }: Contender, time: number) =>
    measure(server, await prepare(time), { ...options, seconds: time });
  for (const contender of contenders) await run(contender, Math.min(WARM_UP, WARM_UP_ROUNDS * seconds));
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) measures.get(contender.name)?.push(await run(contender, seconds));
  }
  return new Map([...measures].map(([name, all]) => [name, medianOf(all)]));
}

/** The same bytes in every round. */
export function always(next: NextRequest): Contender["prepare"] {
  return () => next;
}

/** How many requests one answers while the other answers one. @throws {Error} when one of them was not measured. */
export function rateRatio(measures: Measures, name: string, rival: string): number {
  return of(measures, name).rate / of(measures, rival).rate;
}

/** @throws {Error} when it was not measured. */
export function of(measures: Measures, name: string): Measure {
  const found = measures.get(name);
  if (!found) throw new Error(`${name} was not measured`);
  return found;
}

/** A line for each contender, with how many times its rate the first one's is. */
export function rowsOf(measures: Measures): Row[] {
  const [first] = measures.keys();
  return [...measures].map(([name, { rate, p50, p99, cpu, busy, memory }]) => ({
    contender: name,
    "requests/s": Math.round(rate),
    "p50 ms": rounded(p50),
    "p99 ms": rounded(p99),
    "CPU µs/request": Math.round(cpu * 10) / 10,
    "server busy": rounded(busy),
    "memory MiB": Math.round(memory),
    [`${first} ÷ it`]: rounded(rateRatio(measures, first ?? name, name)),
  }));
}
