import type { AddressInfo, Socket } from "node:net";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";

/** A message as the server got it. */
export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Whether the connection was encrypted by then. */
  readonly secure: boolean;
  /** Who the client had signed in as. */
  readonly user: string | undefined;
  /** The header's fields by lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
  readonly html: string;
  /** All of it, as it came. */
  readonly raw: string;
}

/** What a server does to a client at a step: nothing, or an answer such as "451 later". */
export type Refusal = (count: number) => string | undefined | Promise<string | undefined>;

export interface MailServerSettings {
  /** TLS from the first byte (smtps). */
  readonly secure?: boolean;
  /** Whether STARTTLS is offered; not when absent. */
  readonly startTls?: boolean;
  /** Who may send; anyone when absent. */
  readonly login?: { readonly user: string; readonly password: string };
  /** Asked before the greeting, at each connection. */
  readonly onConnect?: Refusal;
  /** Asked at each recipient. */
  readonly onRecipient?: Refusal;
}

export interface MailServer {
  readonly port: number;
  /** Connections so far, and those open now. */
  connections(): number;
  open(): number;
  readonly mails: readonly ReceivedMail[];
  /** The next message that comes, or came and was not taken yet. */
  next(): Promise<ReceivedMail>;
  close(): Promise<void>;
}

/** A real SMTP server on a free port of this machine. Its certificate is self-signed, for "localhost". */
export async function startMailServer(settings: MailServerSettings = {}): Promise<MailServer> {
  const { secure = false, startTls = false, login, onConnect, onRecipient } = settings;
  const mails: ReceivedMail[] = [];
  const takers: ((mail: ReceivedMail) => void)[] = [];
  let taken = 0;
  let connections = 0;
  let recipients = 0;
  const sockets = new Set<Socket>();

  function hand(): void {
    while (takers.length > 0 && taken < mails.length) takers.shift()?.(mails[taken++] as ReceivedMail);
  }

  const options: SMTPServerOptions = {
    secure,
    logger: false,
    authOptional: login === undefined,
    disabledCommands: [...(startTls || secure ? [] : ["STARTTLS"]), ...(login ? [] : ["AUTH"])],
    allowInsecureAuth: !startTls,
    closeTimeout: 100,
    async onConnect(_session, done) {
      connections += 1;
      done(refusalOf(await onConnect?.(connections)));
    },
    onAuth({ username, password }, _session, done) {
      if (username === login?.user && password === login?.password) done(null, { user: username });
      else done(refusalOf("535 wrong user or password"));
    },
    async onRcptTo(_address, _session, done) {
      recipients += 1;
      done(refusalOf(await onRecipient?.(recipients)));
    },
    onData(stream, session, done) {
      let raw = "";
      stream.setEncoding("utf8").on("data", (piece: string) => {
        raw += piece;
      });
      stream.on("end", () => {
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          from: mailFrom ? mailFrom.address : "",
          to: rcptTo.map(({ address }) => address),
          secure: session.secure === true,
          user: session.user === undefined ? undefined : String(session.user),
          ...readMessage(raw),
        });
        done();
        hand();
      });
    },
  };
  const server = new SMTPServer(options);
  // A client that goes away or does not trust the certificate is what some tests are about.
  server.on("error", () => {});
  server.server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", () => resolve()));
  return {
    port: (server.server.address() as AddressInfo).port,
    connections: () => connections,
    open: () => sockets.size,
    mails,
    next() {
      const { promise, resolve } = Promise.withResolvers<ReceivedMail>();
      takers.push(resolve);
      hand();
      return promise;
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function refusalOf(answer: string | undefined): Error | null {
  if (answer === undefined) return null;
  return Object.assign(new Error(answer.slice(4)), { responseCode: Number(answer.slice(0, 3)) });
}

/** As much of MIME as one message with two versions needs (RFC 2045, RFC 2046 §5.1.4). */
function readMessage(raw: string): Pick<ReceivedMail, "headers" | "text" | "html" | "raw"> {
  const { headers, body } = readPart(raw);
  const boundary = /^multipart\/alternative;.*boundary="?([^";]+)"?/s.exec(headers.get("content-type") ?? "")?.[1];
  if (boundary === undefined) return { headers, text: body, html: "", raw };
  const parts = raw.split(`--${boundary}`).slice(1, -1).map(readPart);
  const find = (type: string) => parts.find((part) => part.headers.get("content-type")?.startsWith(type))?.body ?? "";
  return { headers, text: find("text/plain"), html: find("text/html"), raw };
}

function readPart(source: string): { readonly headers: ReadonlyMap<string, string>; readonly body: string } {
  const part = source.replace(/^\r\n/, "");
  const end = part.indexOf("\r\n\r\n");
  const lines = part
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, " ")
    .split("\r\n");
  const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]));
  return { headers, body: decoded(part.slice(end + 4), headers.get("content-transfer-encoding") ?? "7bit") };
}

function decoded(body: string, encoding: string): string {
  if (encoding === "base64") return Buffer.from(body, "base64").toString("utf8");
  if (encoding !== "quoted-printable") return body.replaceAll("\r\n", "\n");
  const bytes = body.replace(/=\r\n/g, "").replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8").replaceAll("\r\n", "\n");
}

/** The code that a mail carries. */
export function codeIn({ text }: ReceivedMail): string {
  const code = /^ +([2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4})$/m.exec(text)?.[1];
  if (code === undefined) throw new Error(`no code in: ${text}`);
  return code;
}
