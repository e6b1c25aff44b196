import { ack } from "./ack.js";
import { auth } from "./auth.js";
import type { Case } from "./case.js";
import { dev } from "./dev.js";
import { durable } from "./durable.js";
import { epoch } from "./epoch.js";
import { errors } from "./errors.js";
import { exploration } from "./explore.js";
import { http } from "./http.js";
import { info } from "./info.js";
import { page } from "./page.js";
import { send } from "./send.js";
import { sendContent } from "./send-content.js";
import { sendHeaders } from "./send-headers.js";
import { sendIds } from "./send-ids.js";
import { sendInbox } from "./send-inbox.js";
import { sendRetry } from "./send-retry.js";
import { seq } from "./seq.js";
import { seqRange } from "./seq-range.js";
import { sync } from "./sync.js";
import { watch } from "./watch.js";
import { watchEnds } from "./watch-ends.js";
import { watchOften } from "./watch-often.js";

/** All cases, chapter by chapter in the specification's order. */
export const CATALOGUE: readonly Case[] = [
  ...http,
  ...errors,
  ...auth,
  ...info,
  ...seq,
  ...seqRange,
  ...send,
  ...sendContent,
  ...sendRetry,
  ...sendIds,
  ...sendHeaders,
  ...sendInbox,
  ...sync,
  ...ack,
  ...page,
  ...dev,
  ...epoch,
  ...watch,
  ...watchEnds,
  ...watchOften,
  ...durable,
  ...exploration,
];

/** The chapter of a case. */
export const chapterOf = ({ id }: Pick<Case, "id">): string => id.split("/", 1)[0] ?? id;
