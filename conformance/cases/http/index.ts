import type { Case } from "../../harness/case.js";
import { httpBodies } from "./bodies.js";
import { httpBodyLimit } from "./body-limit.js";
import { httpCalls } from "./calls.js";
import { httpCompression } from "./compression.js";
import { httpHeaders } from "./headers.js";
import { httpJson } from "./json.js";
import { httpJsonMalformed } from "./json-malformed.js";
import { httpLookAlikes } from "./look-alikes.js";
import { httpMalformed } from "./malformed.js";
import { httpStream } from "./stream.js";
import { httpTypes } from "./types.js";

/** Cases of the chapter "HTTP binding". */
export const http: readonly Case[] = [
  ...httpCalls,
  ...httpTypes,
  ...httpLookAlikes,
  ...httpHeaders,
  ...httpBodies,
  ...httpCompression,
  ...httpBodyLimit,
  ...httpMalformed,
  ...httpJson,
  ...httpJsonMalformed,
  ...httpStream,
];
