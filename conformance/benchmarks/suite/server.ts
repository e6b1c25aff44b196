import "../../../proto/base64.js";
import { createHandler } from "../../../reference-server/http/handler.js";
import { listen } from "../../../reference-server/http/listen.js";
import { Service } from "../../../reference-server/service.js";
import { serveMethods } from "../child.js";

// The reference server for the suite, with a counter of requests.
let requests = 0;
serveMethods({
  listen: async () => {
    const service = new Service();
    service.createAccount("raw", "raw");
    const count = () => {
      requests += 1;
    };
    return (await listen(createHandler(service, { fixtures: true, log: count }))).url;
  },
  /** Number of requests since the last call. */
  requests: () => {
    const since = requests;
    requests = 0;
    return since;
  },
});
