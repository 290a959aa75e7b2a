import { ConditionalCheckFailedException, DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { lostIsUnavailable, type Tried, tryPatiently } from "./patience.ts";
import { Lost, Unavailable, UnusableState } from "./store.ts";

/** A state table that cannot be used at all; the message names it and says why. */
export class StateTableError extends UnusableState {
  override readonly name = "StateTableError";
}

export interface DynamoOptions {
  /** How long one request may take, connecting included, in milliseconds. */
  readonly timeout?: number;
  /** How long an operation sends requests again before it is `Unavailable`, in milliseconds. */
  readonly patience?: number;
}

/** Sends one request. It is called again for each attempt. */
export type Request<T> = (client: DynamoDBClient, options: { readonly abortSignal: AbortSignal }) => Promise<T>;

/** One table and the connections to it. */
export interface Connection {
  readonly table: string;
  /**
   * Sends a request that does no harm when it is applied twice, again and again while that may help.
   *
   * @throws {Unavailable} when it did not help, and whatever {@link judge} calls an answer.
   */
  repeat<T>(request: Request<T>): Promise<T>;
  /**
   * Sends a request again only while it is certain that it was not applied.
   *
   * @throws {Lost} when it may have been applied; otherwise as `repeat`.
   */
  once<T>(request: Request<T>): Promise<T>;
  close(): void;
}

const TIMEOUT = 2_000;
const PATIENCE = 5_000;
/** Ours ends first, in milliseconds, so that no request goes out on a connection that the server is closing. */
const IDLE_CONNECTION = 15_000;
const CONNECTIONS = 100;

/**
 * Opens the table that `dynamodb://TABLE?region=…&endpoint=…` names; nothing is sent yet. Without `region` and
 * credentials in the URL the usual places of AWS are asked (environment, shared files, container or instance role).
 *
 * @throws {StateTableError} when the URL is not of that form or no region is known.
 */
export async function connect(url: string, { timeout = TIMEOUT, patience = PATIENCE }: DynamoOptions = {}): Promise<Connection> {
  const { table, config } = parse(url);
  const agent = { maxSockets: CONNECTIONS, timeout: IDLE_CONNECTION };
  // The client never repeats a request by itself: it does not tell whether an earlier attempt may have been applied.
  const client = new DynamoDBClient({ ...config, maxAttempts: 1, requestHandler: { httpAgent: agent, httpsAgent: agent } });
  await client.config.region().catch((error: Error) => {
    throw new StateTableError(`${table}: no region is known for the state table: ${error.message}; give it as ?region=…`);
  });
  let closed = false;

  async function tryOnce<T>(request: Request<T>): Promise<Tried<T, Verdict>> {
    if (closed) throw new Unavailable("the state table is closed");
    try {
      return { value: await request(client, { abortSignal: AbortSignal.timeout(timeout) }) };
    } catch (cause) {
      return { verdict: judge(cause), cause };
    }
  }

  function send<T>(request: Request<T>, repeatable: readonly Verdict[]): Promise<T> {
    return tryPatiently(() => tryOnce(request), { patience, repeatable, failure });
  }

  return {
    table,
    repeat: (request) => send(request, ["hindered", "lost"]).catch(lostIsUnavailable("the state table does not answer")),
    once: (request) => send(request, ["hindered"]),
    close() {
      closed = true;
      client.destroy();
    },
  };
}

function parse(text: string): { table: string; config: DynamoDBClientConfig } {
  const form = "write it as dynamodb://TABLE?region=…&endpoint=…";
  const url = URL.parse(text);
  if (url?.protocol !== "dynamodb:" || url.username !== "" || url.port !== "" || !["", "/"].includes(url.pathname)) {
    throw new StateTableError(`not the URL of a state table; ${form}`);
  }
  const table = url.host;
  if (!/^[A-Za-z0-9_.-]{3,255}$/.test(table)) throw new StateTableError(`"${table}" is not the name of a DynamoDB table; ${form}`);
  for (const name of url.searchParams.keys()) {
    if (name !== "region" && name !== "endpoint") throw new StateTableError(`${table}: the state table has no setting "${name}"; ${form}`);
  }
  const region = url.searchParams.get("region");
  const endpoint = url.searchParams.get("endpoint");
  if (endpoint === null) return { table, config: region === null ? {} : { region } };
  const protocol = URL.parse(endpoint)?.protocol;
  if (protocol !== "http:" && protocol !== "https:")
    throw new StateTableError(`${table}: the endpoint "${endpoint}" is not an http(s) URL`);
  const config = { endpoint, region: region ?? "us-east-1" };
  // AWS itself is never on plain http; what stands in for it on a laptop wants credentials, but any will do.
  if (protocol === "https:" || process.env["AWS_ACCESS_KEY_ID"]) return { table, config };
  return { table, config: { ...config, credentials: { accessKeyId: "local", secretAccessKey: "local" } } };
}

/**
 * What an error says about its request.
 * - answer: for the operation to handle: the condition failed, or the request is a fault of this program.
 * - refused: not applied, and would be refused again: permission, credentials, the table is not there.
 * - hindered: not applied, but may go through later: throttled, not connected, signed by a clock that was wrong.
 * - lost: applied or not, or yet to be applied: the connection broke, no answer in time, a fault of the server.
 */
type Verdict = "answer" | "refused" | "hindered" | "lost";

const PROGRAM_FAULTS: readonly string[] = ["ValidationException", "SerializationException"];
const THROTTLED: readonly string[] = [
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "ThrottlingException",
  "LimitExceededException",
];
/** Node's codes for a connection that never was. */
const NOT_CONNECTED: readonly string[] = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"];

function judge(error: unknown): Verdict {
  if (error instanceof ConditionalCheckFailedException) return "answer";
  const { name = "", code = "", $metadata } = error as Partial<Fault>;
  const status = $metadata?.httpStatusCode ?? 0;
  // 408 is a proxy's that passed the request on, for all we know; every other 4xx says that it was not executed.
  if (status >= 400 && status < 500 && status !== 408) {
    if (PROGRAM_FAULTS.includes(name)) return "answer";
    return THROTTLED.includes(name) || status === 429 || $metadata?.clockSkewCorrected ? "hindered" : "refused";
  }
  if (NOT_CONNECTED.includes(code)) return "hindered";
  return name === "CredentialsProviderError" ? "refused" : "lost";
}

interface Fault {
  readonly name: string;
  readonly code: string;
  readonly $metadata: { readonly httpStatusCode?: number; readonly clockSkewCorrected?: true };
}

function failure(verdict: Verdict, cause: unknown): Error {
  if (verdict === "lost") return new Lost("a request to the state table has no known outcome", { cause });
  return new Unavailable("the state table cannot be used at the moment", { cause });
}

/** DynamoDB's own name and words for a fault, for an operator. */
export function describeFault(error: unknown): string {
  const fault = error instanceof Unavailable && error.cause !== undefined ? error.cause : error;
  if (!(fault instanceof Error)) return String(fault);
  return `${fault.name}: ${fault.message || (fault as Partial<Fault>).code}`;
}
