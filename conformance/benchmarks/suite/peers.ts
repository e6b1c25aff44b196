import { fork } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { GraphQLObjectType, GraphQLSchema, GraphQLString } from "graphql";
import { auditServer } from "graphql-http";
import { createHandler } from "graphql-http/lib/use/http";
import { serveMethods } from "../child.js";
import { runTimed } from "./command.js";

/** Exact versions, so that all runs compare with the same suite. */
const DURABLE_STREAMS = { "@durable-streams/server": "0.3.7", "@durable-streams/server-conformance-tests": "0.3.6" };

export interface PeerRun {
  cases: number;
  wall: number;
  cpu: number;
}

serveMethods({
  /** Runs the audits of GraphQL over HTTP against their reference handler, in this process. */
  async graphqlHttp(): Promise<PeerRun> {
    const query = new GraphQLObjectType({
      name: "Query",
      fields: { hello: { type: GraphQLString, resolve: () => "world" } },
    });
    const server = createServer(createHandler({ schema: new GraphQLSchema({ query }) }));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
    const cpu = process.cpuUsage();
    const started = performance.now();
    const results = await auditServer({ url });
    const wall = (performance.now() - started) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    server.closeAllConnections();
    return { cases: results.length, wall, cpu: (user + system) / 1e6 };
  },
  /** Runs the suite of Durable Streams against its reference server. Installs both into `folder` on first use. */
  async durableStreams(folder: string): Promise<PeerRun> {
    const suite = join(folder, "node_modules/@durable-streams/server-conformance-tests");
    if (!existsSync(suite)) {
      mkdirSync(folder, { recursive: true });
      const manifest = { private: true, type: "module", dependencies: DURABLE_STREAMS };
      writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
      const { code } = await runTimed("npm", ["install", "--no-audit", "--no-fund"], { cwd: folder });
      if (code !== 0 || !existsSync(suite)) throw new Error("npm install failed");
    }
    const server = join(folder, "server.mjs");
    writeFileSync(
      server,
      `import { DurableStreamTestServer } from "@durable-streams/server";
const server = new DurableStreamTestServer({ port: 0, host: "127.0.0.1" });
process.send(await server.start());
process.on("disconnect", () => process.exit());`,
    );
    const child = fork(server);
    const url = await new Promise<string>((resolve, reject) => {
      child.once("message", (it) => resolve(String(it)));
      child.once("exit", () => reject(new Error("the server does not start")));
    });
    try {
      // The suite's own command finds no tests when it is installed from npm, because vitest excludes node_modules.
      const test = `import { runConformanceTests } from "@durable-streams/server-conformance-tests";
runConformanceTests({ baseUrl: ${JSON.stringify(url)} });`;
      writeFileSync(join(folder, "peer.test.mjs"), test);
      const vitest = join(folder, "node_modules/vitest/vitest.mjs");
      const run = await runTimed(process.execPath, [vitest, "run", "--root", folder], {
        cwd: folder,
        limitMs: 240_000,
      });
      const [, passed] = /Tests\s.*?(\d+) passed/.exec(stripped(run.stdout)) ?? [];
      const [, total = passed] = /Tests\s.*?\((\d+)\)/.exec(stripped(run.stdout)) ?? [];
      if (total === undefined) throw new Error(`the output has no number of tests: ${run.stdout.slice(-300)}`);
      return { cases: Number(total), wall: run.wall, cpu: run.cpu };
    } finally {
      child.disconnect();
    }
  },
});

/** Removes terminal colors. */
const stripped = (text: string) => text.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, "g"), "");
