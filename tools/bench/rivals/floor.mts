import { createFloor } from "./floor-reply.mts";
import { listening } from "./listening.mts";

/** Bare node:http. */
listening(createFloor(() => {}));
