import { cspSource } from "../shared/hash.ts";
import type { ReplyHeaders } from "../shared/http/exchange.ts";

/** A kind of page that is only there to be read: no scripts, no forms, nothing from elsewhere, in nobody's frame. */
export interface ReadingPage {
  readonly headers: ReplyHeaders;
  /** @param title and @param content HTML: whatever others wrote in it is escaped already. */
  render(title: string, content: string): string;
}

/** @param styles CSS beside what all of them have. */
export function createReadingPage(styles: string): ReadingPage {
  const sheet = BASE + styles;
  return {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": [
        "default-src 'none'",
        `style-src ${cspSource(sheet)}`,
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
      ].join("; "),
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    },
    render: (title, content) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${sheet}</style>
</head>
<body>
${content}
</body>
</html>
`,
  };
}

const BASE =
  "body{max-width:44rem;margin:3rem auto;padding:0 1.25rem;font:1rem/1.6 system-ui,sans-serif;color:#1d2433;background:#fff;overflow-wrap:anywhere}a{color:#2f4fc6}@media(prefers-color-scheme:dark){body{color:#e6e9f0;background:#12151c}a{color:#a9baff}}";
