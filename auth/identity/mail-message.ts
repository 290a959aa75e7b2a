/** What the message says. All of it is this service's own: nothing that a stranger typed is in it. */
export interface CodeMessage {
  /** As people read it. */
  readonly code: string;
  /** The service's, from its public URL. */
  readonly host: string;
  /** How long the code works. */
  readonly minutes: number;
}

/** The same in plain text and as a page, for a mail reader to choose. */
export interface WrittenMessage {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export function writeMessage({ code, host, minutes }: CodeMessage): WrittenMessage {
  const life = minutes === 1 ? "1 minute" : `${minutes} minutes`;
  const use = `It works for ${life}, once, in the browser that asked for it.`;
  const warning = "Type it on that site only, and tell it to nobody: no one there will ask you for it.";
  const unasked = "You did not ask for it? Then ignore this message: without the code nobody can sign in.";
  return {
    subject: `Your sign-in code: ${code}`,
    text: [`Your sign-in code for ${host}:`, "", `    ${code}`, "", use, warning, "", unasked, ""].join("\n"),
    html: page({ code, host, use, warning, unasked }),
  };
}

const FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif";
const MONOSPACE = "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace";
const TABLE = 'role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"';

/**
 * Mail readers know tables and inline styles; those that know a style sheet get dark colours from it. Nothing is loaded
 * from anywhere: no picture, no font, no trace of who read it when. Contrast as on our pages (WCAG 2.2 §1.4.3).
 */
function page({ code, host, use, warning, unasked }: Readonly<Record<"code" | "host" | "use" | "warning" | "unasked", string>>): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no">
<title>Your sign-in code</title>
<style>
:root { color-scheme: light dark; supported-color-schemes: light dark; }
@media (prefers-color-scheme: dark) {
  .ground { background: #111317 !important; }
  .card { background: #1a1d22 !important; border-color: #2d3139 !important; }
  .line { border-color: #2d3139 !important; }
  .text { color: #eceef2 !important; }
  .muted { color: #a6adb8 !important; }
  .code { background: #252c47 !important; color: #eceef2 !important; }
}
</style>
</head>
<body class="ground" style="margin:0;padding:0;background:#f5f4f1">
<table ${TABLE} class="ground" style="background:#f5f4f1">
<tr><td align="center" style="padding:32px 16px">
<table ${TABLE} class="card"
 style="max-width:440px;background:#ffffff;border:1px solid #e1ded7;border-radius:16px;border-collapse:separate">
<tr><td style="padding:28px 24px;${FONT};font-size:16px;line-height:1.5">
<h1 class="text" style="margin:0;color:#1c1e22;font-size:22px;line-height:1.3">Your sign-in code</h1>
<p class="muted" style="margin:4px 0 20px;color:#585d66;overflow-wrap:anywhere">for ${host}</p>
<p class="code" dir="ltr"
 style="margin:0;padding:18px 8px;border-radius:12px;background:#eaeefc;color:#1c1e22;text-align:center;${MONOSPACE};font-size:30px;line-height:1.2;font-weight:700;letter-spacing:2px;white-space:nowrap;-webkit-user-select:all;user-select:all">${code}</p>
<p class="text" style="margin:20px 0 0;color:#1c1e22">${use}</p>
<p class="text" style="margin:8px 0 0;color:#1c1e22">${warning}</p>
<p class="muted line"
 style="margin:20px 0 0;padding:16px 0 0;border-top:1px solid #e1ded7;color:#585d66;font-size:14px">${unasked}</p>
</td></tr>
</table>
</td></tr>
</table>
</body>
</html>
`;
}
