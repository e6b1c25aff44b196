/** Makes the built commands executable (part of `npm run build`): `tsc` does not, and only npm does when it installs a package. */
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const { bin } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { bin: Record<string, string> };
for (const file of Object.values(bin)) chmodSync(join(root, file), 0o755);
