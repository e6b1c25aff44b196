import type { Case } from "./case.js";
import { httpBodies } from "./http-bodies.js";
import { httpBodyLimit } from "./http-body-limit.js";
import { httpCalls } from "./http-calls.js";
import { httpHeaders } from "./http-headers.js";
import { httpJson } from "./http-json.js";
import { httpJsonMalformed } from "./http-json-malformed.js";
import { httpMalformed } from "./http-malformed.js";
import { httpStream } from "./http-stream.js";
import { httpTypes } from "./http-types.js";

/** Cases of the chapter "HTTP binding". */
export const http: readonly Case[] = [
  ...httpCalls,
  ...httpTypes,
  ...httpHeaders,
  ...httpBodies,
  ...httpBodyLimit,
  ...httpMalformed,
  ...httpJson,
  ...httpJsonMalformed,
  ...httpStream,
];
