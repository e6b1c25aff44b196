import type { Fault } from "../mutant.js";
import { authCredentials } from "./credentials.js";
import { authRevoked } from "./revoked.js";

/** Mutants of the chapter "Authentication". */
export const auth: readonly Fault[] = [...authCredentials, ...authRevoked];
