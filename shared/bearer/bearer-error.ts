import { Refusal } from "../refusal.ts";

/** Why a request has no caller. The message is safe to show. */
export class BearerError extends Refusal {
  override readonly name = "BearerError";
  readonly code: "missing" | "invalid";

  constructor(code: "missing" | "invalid", message: string) {
    super(message);
    this.code = code;
  }
}
