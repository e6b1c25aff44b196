import type { Case } from "./case.js";
import { httpBodies } from "./http-bodies.js";
import { httpCalls } from "./http-calls.js";

/** Cases of the chapter "HTTP binding". */
export const http: readonly Case[] = [...httpCalls, ...httpBodies];
