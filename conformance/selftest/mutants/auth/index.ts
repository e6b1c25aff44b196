import type { Mutant } from "../mutant.js";
import { authCredentials } from "./credentials.js";
import { authRevoked } from "./revoked.js";

/** Mutants of the chapter "Authentication". */
export const auth: readonly Mutant[] = [...authCredentials, ...authRevoked];
