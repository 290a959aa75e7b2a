/** The operation of Actions that is no capability: it tells what became of work that outlives its request. */
export const TASK_OPERATION = "get_task";
/** The last part of its path. */
export const TASKS_PATH = "tasks";

/** Names that no capability can have. */
export const RESERVED_NAMES: readonly string[] = [TASK_OPERATION, TASKS_PATH];
