import type { Case } from "../../harness/case.js";
import { seqNumbering } from "./numbering.js";
import { seqRange } from "./range.js";

/** Cases of the chapter "Sequence numbers". */
export const seq: readonly Case[] = [...seqNumbering, ...seqRange];
