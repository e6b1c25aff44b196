import type { RequirementId } from "./requirements.js";

/** Requirements that no case checks, each with the reason why it cannot be seen from outside. Short: every entry is a promise unkept. */
export const LEDGER: Readonly<Partial<Record<RequirementId, string>>> = {
  "ERR-AGAIN":
    "A permission to the server, nothing that it must do. The suite uses it: such answers are tried again and counted, never judged.",
};

/** What the profile CLIENT asks for is asked of clients: a suite that plays the client cannot judge them. */
export const isJudgeable = (profile: string): boolean => profile !== "CLIENT";
