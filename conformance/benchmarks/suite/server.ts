import "../../../proto/base64.js";
import { createHandler } from "../../../reference-server/http/handler.js";
import { listen } from "../../../reference-server/http/listen.js";
import { Service } from "../../../reference-server/service.js";
import { answer } from "../child.js";

// The reference server as the suite meets it, with a count of what it is asked.
let requests = 0;
answer({
  listen: async () => {
    const service = new Service();
    service.createAccount("raw", "raw");
    const count = () => {
      requests += 1;
    };
    return (await listen(createHandler(service, { fixtures: true, log: count }))).url;
  },
  /** Requests since it was asked last. */
  requests: () => {
    const since = requests;
    requests = 0;
    return since;
  },
});
