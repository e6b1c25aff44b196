import type { RequirementId } from "./requirements.js";

/** Requirements that no case checks, each with the reason why a client cannot check it. */
export const UNCHECKED: Readonly<Partial<Record<RequirementId, string>>> = {
  "ERR-AGAIN":
    "It permits the server to return retryable errors and requires nothing. The suite retries after such errors, and counts them.",
};

/** Whether the suite can check the requirements of a profile. Those of CLIENT are requirements on clients. */
export const isCheckable = (profile: string): boolean => profile !== "CLIENT";
