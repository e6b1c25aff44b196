import type { Case } from "../../harness/case.js";
import { sendAccept } from "./accept.js";
import { sendContent } from "./content.js";
import { sendCorpus } from "./corpus.js";
import { sendHeaders } from "./headers.js";
import { sendIds } from "./ids.js";
import { sendInbox } from "./inbox.js";
import { sendRetry } from "./retry.js";

/** Cases of the chapter "Send". */
export const send: readonly Case[] = [
  ...sendAccept,
  ...sendContent,
  ...sendCorpus,
  ...sendRetry,
  ...sendIds,
  ...sendHeaders,
  ...sendInbox,
];
