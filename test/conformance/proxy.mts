import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { pipeline, Transform } from "node:stream";

/** A loopback proxy of bytes: what it does not add, it does not touch, neither case nor order nor whitespace. */
export interface LoopbackProxy {
  /** `http://localhost:PORT`. */
  readonly url: string;
  /** Breaks every connection there is; new ones are taken as before. */
  cut(): void;
  close(): Promise<void>;
}

export interface ProxySettings {
  /** Added to every request as a bearer token. */
  readonly accessToken?: string;
}

/** @param target A loopback URL; only its port counts. */
export async function startProxy(target: string, { accessToken }: ProxySettings = {}): Promise<LoopbackProxy> {
  const port = Number(new URL(target).port);
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => sockets.add(socket.once("close", () => sockets.delete(socket)));

  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    keep(client);
    keep(upstream);
    // Small pieces of a stream must not wait for more.
    client.setNoDelay();
    upstream.setNoDelay();
    // What ends or breaks on one side does so on the other: that is all there is to say about it.
    const done = () => undefined;
    if (accessToken === undefined) pipeline(client, upstream, done);
    else pipeline(client, addHeader(`Authorization: Bearer ${accessToken}`), upstream, done);
    pipeline(upstream, client, done);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    cut,
    async close() {
      server.close();
      cut();
      await once(server, "close");
    },
  };
}

const END_OF_HEAD = "\r\n\r\n";

/** Adds a line to the head of each request of a connection (RFC 9112 §2.1). Bodies pass, as long as their length is told. */
function addHeader(line: string): Transform {
  let head = Buffer.alloc(0);
  let ofBody = 0;

  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      let rest = chunk;
      while (rest.length > 0) {
        const body = rest.subarray(0, ofBody);
        if (body.length > 0) this.push(body);
        ofBody -= body.length;
        head = Buffer.concat([head, rest.subarray(body.length)]);
        const end = head.indexOf(END_OF_HEAD);
        if (end < 0) break;

        const text = head.toString("latin1", 0, end);
        if (/^transfer-encoding:/im.test(text)) return done(new Error("this proxy takes no chunked requests"));
        this.push(Buffer.from(`${text}\r\n${line}${END_OF_HEAD}`, "latin1"));
        ofBody = Number(/^content-length:[ \t]*(\d+)/im.exec(text)?.[1] ?? 0);
        rest = head.subarray(end + END_OF_HEAD.length);
        head = Buffer.alloc(0);
      }
      done();
    },
  });
}
