import type { Sentence } from "./passages.ts";

/** Sentences that are compared with each other: each with each, so that more would take long. */
const MAX_COMPARED = 400;
const MIN_WORDS = 3;
const ROUNDS = 30;
const DAMPING = 0.85;

/**
 * The sentences that say most of what the others say, in their order: TextRank (Mihalcea and Tarau 2004), in which
 * sentences that share words recommend each other.
 * @param common Words that count for nothing.
 */
export function summarize(sentences: readonly Sentence[], count: number, common: ReadonlySet<string>): readonly string[] {
  const telling = sentences
    .map(({ text, words }, at) => ({ at, text, words: new Set(words.filter((word) => !common.has(word))) }))
    .filter(({ words }) => words.size >= MIN_WORDS)
    .slice(0, MAX_COMPARED);
  if (telling.length <= count) return (telling.length > 0 ? telling : sentences.slice(0, count)).map(({ text }) => text);
  const ranks = rank(telling.map(({ words }) => words));
  return telling
    .map((sentence, index) => ({ ...sentence, rank: ranks[index] ?? 0 }))
    .sort((a, b) => b.rank - a.rank || a.at - b.at)
    .slice(0, count)
    .sort((a, b) => a.at - b.at)
    .map(({ text }) => text);
}

function rank(sentences: readonly ReadonlySet<string>[]): Float64Array {
  const size = sentences.length;
  const weights = sentences.map((one) => Float64Array.from(sentences, (other) => (one === other ? 0 : likeness(one, other))));
  const sums = weights.map((row) => row.reduce((sum, weight) => sum + weight, 0));
  let ranks = new Float64Array(size).fill(1);
  for (let round = 0; round < ROUNDS; round++) {
    const next = new Float64Array(size).fill(1 - DAMPING);
    for (const [from, row] of weights.entries()) {
      const sum = sums[from] ?? 0;
      if (sum === 0) continue;
      const given = (DAMPING * (ranks[from] ?? 0)) / sum;
      for (let to = 0; to < size; to++) next[to] = (next[to] ?? 0) + given * (row[to] ?? 0);
    }
    ranks = next;
  }
  return ranks;
}

/** Words in common, by how long both are. */
function likeness(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  let shared = 0;
  for (const word of one) if (other.has(word)) shared++;
  return shared === 0 ? 0 : shared / (Math.log(one.size) + Math.log(other.size));
}
