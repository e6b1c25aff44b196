import { randomBytes } from "node:crypto";

/**
 * Returns letters and digits that occur nowhere else, in this run and others: for names of accounts, tokens and epochs,
 * and for messages whose id the case writes into a text of its own. `t.newId()` may return any characters.
 */
export const unique = () => randomBytes(9).toString("hex");
