import type { Config } from "../../shared/config.ts";

/** Mails a sign-in code. @throws What the mail server answered. */
export async function sendMail(mail: NonNullable<Config["mail"]>, to: string, code: string, publicUrl: string): Promise<void> {
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
        "It works for ten minutes, once, in the browser that asked for it.",
        "If you did not ask for it, ignore this message; nobody can sign in without it.",
      ].join("\n"),
    });
  } finally {
    transport.close();
  }
}
