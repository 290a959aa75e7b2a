/**
 * A fault of whoever calls, of which the answer tells all there is to know. It has no stack: nobody looks for the line it
 * came from, and to write one down is most of what a refusal costs, which is what a flood of bad requests is made of.
 */
export class Refusal extends Error {
  constructor(message: string) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = limit;
  }
}
