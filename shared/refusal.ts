/**
 * An error that is an answer: whoever calls can bring it about at will, and its message tells all there is to know. It has
 * no stack, because nobody looks for the line it came from, and to write one down is a tenth of what a bad token costs.
 */
export class Refusal extends Error {
  constructor(message: string) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    try {
      super(message);
    } finally {
      Error.stackTraceLimit = limit;
    }
  }
}
