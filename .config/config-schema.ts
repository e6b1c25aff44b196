/** Writes `conformance/cli/config.schema.json` from the options of `seqsync check` (part of `npm run generate`). */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { configSchema } from "../conformance/cli/config-schema.js";

const file = join(import.meta.dirname, "../conformance/cli/config.schema.json");
writeFileSync(file, `${JSON.stringify(configSchema(), undefined, 2)}\n`);
