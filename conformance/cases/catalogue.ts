import { ack } from "./ack.js";
import { auth } from "./auth.js";
import type { Case } from "./case.js";
import { send } from "./send.js";
import { sendRetry } from "./send-retry.js";
import { seq } from "./seq.js";

/** All cases, chapter by chapter in the specification's order. */
export const CATALOGUE: readonly Case[] = [...auth, ...seq, ...send, ...sendRetry, ...ack];

/** The chapter of a case. */
export const chapterOf = ({ id }: Pick<Case, "id">): string => id.split("/", 1)[0] ?? id;
