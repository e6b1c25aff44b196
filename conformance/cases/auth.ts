import { authAccounts } from "./auth-accounts.js";
import { authCredentials } from "./auth-credentials.js";
import { authRevoked } from "./auth-revoked.js";
import type { Case } from "./case.js";

/** Cases of the chapter "Authentication". */
export const auth: readonly Case[] = [...authCredentials, ...authAccounts, ...authRevoked];
