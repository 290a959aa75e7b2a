import type { Service } from "../../shared/service.ts";
import { createTaskRunner, type TaskRunner } from "../../shared/tasks/task-runner.ts";
import { createInbox } from "../streams/inbox.ts";

/** The runner whose tasks are woken at once, at whichever replica they run, when a client answers or cancels. */
export function createMcpTaskRunner(service: Service): TaskRunner {
  const inbox = service.part(createInbox);
  return createTaskRunner(service, {
    replica: inbox.replica,
    expect: () => inbox.expect(),
    onLetter: (take) => inbox.handle("task", take),
    send: async (replica, id) => void (await inbox.send(replica, "task", id)),
  });
}
