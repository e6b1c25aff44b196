import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Where a certificate or a key lies. The keys are public, and good for nothing but tests. */
export const certificateFile = (name: "ca.pem" | "server.pem" | "server.key" | "client.pem" | "client.key") =>
  fileURLToPath(new URL(`certificates/${name}`, import.meta.url));

const read = (name: Parameters<typeof certificateFile>[0]) => readFileSync(certificateFile(name), "utf8");

/** An authority that nobody else trusts, a server that it vouches for as localhost, 127.0.0.1 and server.test, and a client. */
export const CA = read("ca.pem");
export const SERVER = { cert: read("server.pem"), key: read("server.key") };
export const CLIENT = { cert: read("client.pem"), key: read("client.key") };
