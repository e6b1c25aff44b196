import type { Mutant } from "../mutant.js";
import { httpBodies } from "./bodies.js";
import { httpCalls } from "./calls.js";
import { httpCompression } from "./compression.js";
import { httpHeaders } from "./headers.js";
import { httpJson } from "./json.js";
import { httpMalformed } from "./malformed.js";
import { httpTypes } from "./types.js";

/** Mutants of the chapter "HTTP binding". */
export const http: readonly Mutant[] = [
  ...httpCalls,
  ...httpHeaders,
  ...httpTypes,
  ...httpBodies,
  ...httpCompression,
  ...httpMalformed,
  ...httpJson,
];
