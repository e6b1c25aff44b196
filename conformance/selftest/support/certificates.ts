import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Returns the path of a certificate or key. The keys are public, and only for tests. */
export const certificateFile = (name: "ca.pem" | "server.pem" | "server.key" | "client.pem" | "client.key") =>
  fileURLToPath(new URL(`certificates/${name}`, import.meta.url));

const read = (name: Parameters<typeof certificateFile>[0]) => readFileSync(certificateFile(name), "utf8");

/**
 * A certificate authority for tests, and certificates that it signed for a server (localhost, 127.0.0.1, server.test)
 * and for a client.
 */
export const CA = read("ca.pem");
export const SERVER = { cert: read("server.pem"), key: read("server.key") };
export const CLIENT = { cert: read("client.pem"), key: read("client.key") };
