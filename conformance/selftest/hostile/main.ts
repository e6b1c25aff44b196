/** Serves a hostile server of the list until its process is ended: `tsx conformance/selftest/hostile/main.ts NAME`. */
import { listenHostile } from "./hostile-server.js";
import { HOSTILE_SERVERS } from "./servers.js";

const [name] = process.argv.slice(2);
const server = HOSTILE_SERVERS.find((it) => it.name === name);
if (server === undefined) {
  console.error(`name one of:\n${HOSTILE_SERVERS.map((it) => `  ${it.name}`).join("\n")}`);
  process.exit(2);
}
const { url } = await listenHostile(server);
console.log(url);
