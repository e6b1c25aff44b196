import { ack } from "./ack.js";
import { auth } from "./auth.js";
import { authRevoked } from "./auth-revoked.js";
import { concurrency } from "./concurrency.js";
import { devices } from "./devices.js";
import { durable } from "./durable.js";
import { epoch } from "./epoch.js";
import { errorFaults } from "./errors.js";
import type { Fault } from "./fault.js";
import { fronts } from "./fronts.js";
import { http } from "./http.js";
import { httpBinary } from "./http-binary.js";
import { httpBodies } from "./http-bodies.js";
import { httpCompression } from "./http-compression.js";
import { httpJson } from "./http-json.js";
import { httpTypes } from "./http-types.js";
import { info } from "./info.js";
import { page } from "./page.js";
import { send } from "./send.js";
import { sendHeaders } from "./send-headers.js";
import { sendIds } from "./send-ids.js";
import { sendInbox } from "./send-inbox.js";
import { sendRetry } from "./send-retry.js";
import { seq } from "./seq.js";
import { sync } from "./sync.js";
import { watch } from "./watch.js";
import { watchEnds } from "./watch-ends.js";
import { watchHttp } from "./watch-http.js";

export { type Fault, type FaultyServer, startFaultyServer } from "./fault.js";

/** All faulty servers, chapter by chapter in the specification's order. Names are unique. */
export const FAULTS: readonly Fault[] = [
  ...http,
  ...httpTypes,
  ...httpBodies,
  ...httpCompression,
  ...httpBinary,
  ...httpJson,
  ...errorFaults,
  ...auth,
  ...authRevoked,
  ...info,
  ...seq,
  ...send,
  ...sendHeaders,
  ...sendRetry,
  ...sendIds,
  ...sendInbox,
  ...sync,
  ...ack,
  ...page,
  ...devices,
  ...epoch,
  ...watch,
  ...watchEnds,
  ...watchHttp,
  ...durable,
  ...fronts,
  ...concurrency,
];
