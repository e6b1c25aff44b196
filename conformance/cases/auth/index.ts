import type { Case } from "../../harness/case.js";
import { authAccounts } from "./accounts.js";
import { authCredentials } from "./credentials.js";
import { authLookAlikes } from "./look-alikes.js";
import { authRevoked } from "./revoked.js";

/** Cases of the chapter "Authentication". */
export const auth: readonly Case[] = [...authCredentials, ...authLookAlikes, ...authAccounts, ...authRevoked];
