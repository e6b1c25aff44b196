import type { Mutant } from "../mutant.js";
import { sendAccept } from "./accept.js";
import { sendHeaders } from "./headers.js";
import { sendIds } from "./ids.js";
import { sendInbox } from "./inbox.js";
import { sendRetry } from "./retry.js";

/** Mutants of the chapter "Send". */
export const send: readonly Mutant[] = [...sendAccept, ...sendHeaders, ...sendRetry, ...sendIds, ...sendInbox];
