/** Makes the built commands executable, which tsc does not: `dist/` then works without being packed. */
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const { bin } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { bin: Record<string, string> };
for (const file of Object.values(bin)) chmodSync(join(root, file), 0o755);
