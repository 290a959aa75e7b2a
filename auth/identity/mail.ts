import type { Config } from "../../shared/config.ts";

/** A sign-in code on its way. */
export interface CodeMail {
  readonly to: string;
  /** As people read it. */
  readonly code: string;
  readonly publicUrl: string;
  /** How long it works. */
  readonly minutes: number;
}

/** Mails a sign-in code. @throws What the mail server answered. */
export async function sendMail(mail: NonNullable<Config["mail"]>, { to, code, publicUrl, minutes }: CodeMail): Promise<void> {
  const { createTransport } = await import("nodemailer");
  const transport = createTransport(mail.smtpUrl);
  try {
    await transport.sendMail({
      from: mail.from,
      to,
      subject: `Your sign-in code: ${code}`,
      text: [
        `Your sign-in code for ${new URL(publicUrl).host} is ${code}`,
        "",
        `It works for ${minutes} minutes, once, in the browser that asked for it.`,
        "If you did not ask for it, ignore this message; nobody can sign in without it.",
      ].join("\n"),
    });
  } finally {
    transport.close();
  }
}
