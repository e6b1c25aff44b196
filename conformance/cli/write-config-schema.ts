/** Writes config.schema.json anew, after options have changed; then `npm run format`. A test tells when it is due. */
import { writeFileSync } from "node:fs";
import { configSchema } from "./config-schema.js";

writeFileSync(new URL("config.schema.json", import.meta.url), `${JSON.stringify(configSchema(), undefined, 2)}\n`);
