import { createHandler } from "../../../reference-server/http/handler.js";
import { listen } from "../../../reference-server/http/listen.js";
import { serveBench } from "./serve.js";
import { benchService } from "./service.js";

serveBench(async () => (await listen(createHandler(benchService()))).url);
