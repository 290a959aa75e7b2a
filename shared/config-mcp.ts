import { z } from "zod";
import { numberVariable, type Variable } from "./config-variable.ts";

/** Times are milliseconds. */
export interface McpConfig {
  readonly access: "signed-in" | "mixed";
  readonly listed: "all" | "granted";
  /** Bytes. */
  readonly bodyLimit: number;
  readonly jsonDepth: number;
  readonly jsonValues: number;
  readonly batchLimit: number;
  readonly sessionsPerSubject: number;
  readonly sessionIdle: number;
  readonly streams: number;
  readonly streamsPerSubject: number;
  readonly streamLifetime: number;
  readonly streamHeartbeat: number;
  /** Messages. */
  readonly streamQueue: number;
  readonly answerTime: number;
  readonly tasksPerSubject: number;
  readonly taskTtl: number;
}

/** With what holds for calls on every surface. */
export const MCP_VARIABLES = {
  MCP_ACCESS: {
    about:
      "`signed-in`: everything on MCP needs an access token. `mixed`: whoever has none may connect, list, and use what is public; the rest asks them to sign in.",
    schema: z.enum(["signed-in", "mixed"]),
    development: "signed-in",
    production: "signed-in",
    example: "mixed",
  },
  MCP_LISTED_TOOLS: {
    about:
      "Which tools, resources and prompts MCP lists: `all`, so that a client can ask for more scopes, or `granted`, those that the access token can use.",
    schema: z.enum(["all", "granted"]),
    development: "all",
    production: "all",
    example: "granted",
  },
  MCP_BODY_LIMIT: numberVariable("Bytes that a request to MCP may have; more is a 413.", 4_194_304, 1_024, 8_000_000),
  MCP_JSON_DEPTH: numberVariable("How deeply objects and lists of an MCP message may be nested.", 64, 8, 200),
  MCP_JSON_VALUES: numberVariable(
    "Values (members, elements, objects and lists) that an MCP message may have in all; checking each costs time and memory.",
    100_000,
    1_000,
    1_000_000,
  ),
  MCP_BATCH_LIMIT: numberVariable("Messages that a batch of the 2025-03-26 revision may have.", 50, 1, 1_000),
  MCP_SESSIONS_PER_SUBJECT: numberVariable(
    "Sessions that one person may have at once, all clients together; the oldest ends when another begins.",
    100,
    1,
    900,
  ),
  MCP_SESSION_IDLE: numberVariable("Seconds after which a session that is not used ends.", 86_400, 60, 2_592_000),
  MCP_STREAMS: numberVariable("Event streams that one process holds open at most; more are a 503.", 5_000, 1, 1_000_000),
  MCP_STREAMS_PER_SUBJECT: numberVariable("Event streams that one person may have open at one process; more are a 429.", 50, 1, 1_000_000),
  MCP_STREAM_LIFETIME: numberVariable("Seconds after which an event stream ends in good order; clients open another.", 1_800, 1, 86_400),
  MCP_STREAM_HEARTBEAT: numberVariable("Seconds between two signs of life on an event stream.", 15, 1, 300),
  MCP_STREAM_QUEUE: numberVariable("Messages that may wait for a reader who is slow; with more its stream ends.", 256, 1, 100_000),
  CALL_TIME_LIMIT: numberVariable(
    "Seconds that a call of a capability may take, unless the capability sets its own; waiting for answers does not count.",
    60,
    1,
    3_600,
  ),
  CALLS_PER_MINUTE: numberVariable(
    "Calls of capabilities that one person may make in a minute through one client, at one process; a quarter of them at once. More are refused with a time to wait.",
    1_200,
    4,
    100_000_000,
  ),
  MCP_ANSWER_TIME: numberVariable("Seconds for which a question to a person or a client waits for its answer.", 600, 10, 86_400),
  MCP_TASKS_PER_SUBJECT: numberVariable("Tasks that one person may have under way at once.", 50, 1, 10_000),
  MCP_TASK_TTL: numberVariable(
    "Seconds for which a task is kept from its creation, unless the capability says otherwise.",
    86_400,
    60,
    2_592_000,
  ),
} satisfies Record<string, Variable>;

type McpValues = { readonly [N in keyof typeof MCP_VARIABLES]?: z.output<(typeof MCP_VARIABLES)[N]["schema"]> };

/** Each has a default, so that none is absent here. */
export function mcpConfigOf(values: McpValues): McpConfig {
  const seconds = (value: number | undefined) => (value ?? 0) * 1000;
  return {
    access: values.MCP_ACCESS ?? "signed-in",
    listed: values.MCP_LISTED_TOOLS ?? "all",
    bodyLimit: values.MCP_BODY_LIMIT ?? 0,
    jsonDepth: values.MCP_JSON_DEPTH ?? 0,
    jsonValues: values.MCP_JSON_VALUES ?? 0,
    batchLimit: values.MCP_BATCH_LIMIT ?? 0,
    sessionsPerSubject: values.MCP_SESSIONS_PER_SUBJECT ?? 0,
    sessionIdle: seconds(values.MCP_SESSION_IDLE),
    streams: values.MCP_STREAMS ?? 0,
    streamsPerSubject: values.MCP_STREAMS_PER_SUBJECT ?? 0,
    streamLifetime: seconds(values.MCP_STREAM_LIFETIME),
    streamHeartbeat: seconds(values.MCP_STREAM_HEARTBEAT),
    streamQueue: values.MCP_STREAM_QUEUE ?? 0,
    answerTime: seconds(values.MCP_ANSWER_TIME),
    tasksPerSubject: values.MCP_TASKS_PER_SUBJECT ?? 0,
    taskTtl: seconds(values.MCP_TASK_TTL),
  };
}
