import type { Pack } from "../offer.ts";

/** What this installation adds. `npm run new -- capability NAME` writes a file beside this one and puts it here. */
export const own: NonNullable<Pack["capabilities"]> = [];
