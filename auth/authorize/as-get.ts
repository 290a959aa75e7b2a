import { HttpError, type Reply } from "../../shared/http/exchange.ts";
import { seeOther } from "./answer.ts";

/** Bytes: more does not fit into the line of a GET. */
const MAX_REQUEST = 8_000;

/**
 * A form that another site posts comes without our cookies (SameSite=Lax), so it is sent on as a GET, which has them.
 * @throws {HttpError} 413 when it is too long for one.
 */
export function asGet(path: string, form: URLSearchParams): Reply {
  const query = form.toString();
  if (query.length > MAX_REQUEST) throw new HttpError(413, `The request is longer than ${MAX_REQUEST} bytes.`);
  return seeOther(`${path}?${query}`);
}
