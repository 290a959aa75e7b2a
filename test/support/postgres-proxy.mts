import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/**
 * A proxy between a driver and PostgreSQL that breaks connections at the worst moments, on real sockets.
 * - request: the next statement is cut off before the server gets any of it.
 * - answer: the server has carried the next statement out when the connection is cut; the answer is lost.
 * - silence: the server carries the next statement out; its answer never comes, and the connection stays open.
 * - late: the connection is cut, and the server gets the next statement only when one with the fault `after late` comes.
 * - none: the next statement is let through, so that the fault armed after it strikes the one that follows.
 */
export type Fault = "request" | "answer" | "silence" | "late" | "after late" | "none";

export interface FaultyProxy {
  readonly port: number;
  /** Has the next statement fail that way; `meanwhile` runs when the server has carried out what gets no answer. */
  arm(fault: Fault, meanwhile?: () => Promise<unknown>): void;
  /** How many of the armed faults have not struck. */
  armed(): number;
  /** Where new connections lead from now on. The open ones are cut. */
  lead(port: number): void;
  close(): Promise<void>;
}

interface Armed {
  readonly fault: Fault;
  readonly meanwhile: () => Promise<unknown>;
}

/** The first byte of a statement in the extended protocol: Parse. */
const PARSE = 0x50;
/** ReadyForQuery outside of a transaction: what a statement was to change is committed or rolled back. */
const READY = Buffer.from("Z\0\0\0\u0005I");
/** Whose answers reach the client. */
const PASSING: readonly Fault[] = ["none", "after late"];

export async function startProxy(target: number): Promise<FaultyProxy> {
  const faults: Armed[] = [];
  const open = new Set<Socket>();
  let sendLate = async () => {};
  let leadsTo = target;

  const server = createServer((client) => {
    const upstream = connect(leadsTo, "127.0.0.1");
    let current: Armed | undefined;
    const cut = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on("close", () => {
        open.delete(socket);
        if (current?.fault !== "late") cut();
      });
      socket.on("error", cut);
    }
    client.on("data", (bytes) => {
      if (bytes[0] === PARSE) current = faults.shift();
      void forward(bytes);
    });
    const forward = (bytes: Buffer) => {
      if (current?.fault === "request") return cut();
      if (current?.fault === "late") {
        sendLate = async () => {
          upstream.write(bytes);
          await once(upstream, "close");
        };
        return client.destroy();
      }
      if (current?.fault !== "after late") return upstream.write(bytes);
      return sendLate()
        .then(current.meanwhile)
        .finally(() => upstream.write(bytes));
    };
    upstream.on("data", (bytes) => {
      if (!current || PASSING.includes(current.fault)) client.write(bytes);
      else if (current.fault !== "silence" && bytes.subarray(-READY.length).equals(READY)) void current.meanwhile().finally(cut);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cutAll = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    port: (server.address() as { port: number }).port,
    arm: (fault, meanwhile = async () => {}) => void faults.push({ fault, meanwhile }),
    armed: () => faults.length,
    lead(port) {
      leadsTo = port;
      cutAll();
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      cutAll();
      await closed;
    },
  };
}
