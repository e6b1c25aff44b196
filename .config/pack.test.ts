/** What is published, as a user gets it: packed, and installed into an empty folder whose name has a space. */
import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const scratch = mkdtempSync(join(tmpdir(), "seqsync-pack-"));
const project = join(scratch, "a project");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  version: string;
  exports: Record<string, unknown>;
  bin: Record<string, string>;
};
const installed = (name: string) =>
  (JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8")) as { version: string }).version;

/** Runs a command in the project; never rejects. */
async function runs(file: string, args: string[], cwd = project): Promise<{ code: number; out: string }> {
  const env = { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined, VITEST: undefined, NODE_OPTIONS: undefined };
  try {
    const { stdout, stderr } = await promisify(execFile)(file, args, { cwd, env, maxBuffer: 16 << 20 });
    return { code: 0, out: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: stdout + stderr };
  }
}

/** Runs npm and demands that it ends well. */
async function npm(...args: string[]): Promise<string> {
  const { code, out } = await runs("npm", args, args[0] === "pack" ? root : project);
  if (code !== 0) throw new Error(`npm ${args.join(" ")} ended with ${code}:\n${out}`);
  return out;
}

const command = (name: string) => join(project, "node_modules/.bin", name);

const sizeOf = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((it) => it.isFile())
    .reduce((sum, it) => sum + statSync(join(it.parentPath, it.name)).size, 0);

beforeAll(async () => {
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "a-project", private: true, type: "module" }));
  await npm("pack", "--pack-destination", scratch);
  await npm("install", "--no-audit", "--no-fund", "--prefer-offline", `../seqsync-${manifest.version}.tgz`);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("installed alone", () => {
  test("has what is promised, and neither tests nor tools", () => {
    const files = readdirSync(join(project, "node_modules/seqsync"), { recursive: true }).map((it) =>
      String(it).replaceAll("\\", "/"),
    );
    for (const file of [
      "README.md",
      "LICENSE",
      "CHANGELOG.md",
      "docs/spec/README.md",
      "proto/seqsync/v1/service.proto",
      "conformance/index.ts",
    ])
      expect(files).toContain(file);
    expect(
      files.filter((file) => /\.test\.|(^|\/)testing(\/|$)|tsbuildinfo|^\.config|^docs\/build/.test(file)),
    ).toEqual([]);
  });

  test("is no heavier than 15 MB with all its dependencies", () => {
    expect(sizeOf(join(project, "node_modules"))).toBeLessThan(15e6);
  });

  test("checks the reference server: the command finds its own server", async () => {
    const { code, out } = await runs(command("seqsync"), ["check", "--reference", "--only", "ack/*"]);
    expect(out).toMatch(/ 0 failed in /);
    expect(code).toBe(0);
  });

  test("tells its version", async () => {
    expect(await runs(command("seqsync"), ["--version"])).toEqual({ code: 0, out: `${manifest.version}\n` });
  });

  test("runs the reference server until it is told to stop, and checks it by its URL", async () => {
    const server = spawn(command("seqsync-reference-server"), ["--port", "0", "--fixtures"], { cwd: project });
    const ended = new Promise((resolve) => server.once("close", resolve));
    try {
      const url = await new Promise<string>((resolve, reject) => {
        let text = "";
        server.stdout.on("data", (chunk: Buffer) => {
          text += chunk;
          const found = /^listening on (\S+)\n/.exec(text)?.[1];
          if (found !== undefined) resolve(found);
        });
        server.once("close", () => reject(new Error(`the server ended early: ${text}`)));
      });
      const { code, out } = await runs(command("seqsync"), ["check", url, "--only", "ack/*"]);
      expect(out).toMatch(/ 0 failed in /);
      expect(code).toBe(0);
    } finally {
      server.kill("SIGTERM");
    }
    expect(await ended).toBe(0);
  });

  test("can be imported, by every name but that of the optional peer", async () => {
    writeFileSync(
      join(project, "use.js"),
      `import { readFileSync } from "node:fs";
      import manifest from "seqsync/package.json" with { type: "json" };
      import { SeqSyncService, Outcome } from "seqsync/proto";
      import { startReferenceServer } from "seqsync/reference-server";
      import { run } from "seqsync/conformance";
      const server = await startReferenceServer({ fixtures: true });
      const report = await run({ urls: [server.url], select: ({ id }) => id.startsWith("ack/") });
      await server.close();
      console.log(manifest.version, SeqSyncService.typeName, Outcome[report.verdict]);
      await import("seqsync/vitest").then(() => console.log("vitest"), (error) => console.log(error.code));`,
    );
    const { out } = await runs(process.execPath, ["--no-warnings", "use.js"]);
    expect(out).toBe(`${manifest.version} seqsync.v1.SeqSyncService PASS\nERR_MODULE_NOT_FOUND\n`);
  });
});

describe("with vitest, TypeScript and the types of Node", () => {
  beforeAll(async () => {
    const peers = ["vitest", "typescript", "@types/node"].map((name) => `${name}@${installed(name)}`);
    await npm("install", "--no-audit", "--no-fund", "--prefer-offline", "--save-dev", ...peers);
  });

  test("registers its cases in the project's own vitest", async () => {
    writeFileSync(
      join(project, "server.test.js"),
      `import { startReferenceServer } from "seqsync/reference-server";
      import { describeConformance } from "seqsync/vitest";
      import { afterAll } from "vitest";
      const server = await startReferenceServer({ fixtures: true });
      afterAll(() => server.close());
      describeConformance({ urls: [server.url], select: ({ id }) => id.startsWith("ack/") });`,
    );
    const { code, out } = await runs(command("vitest"), ["run"]);
    expect(out).toMatch(/Tests {2}\d+ passed \(\d+\)/);
    expect(code).toBe(0);
  });

  test.each([
    { module: "node16", resolution: "node16" },
    { module: "esnext", resolution: "bundler" },
  ])("has types for every export with moduleResolution $resolution", async ({ module, resolution }) => {
    const names = Object.keys(manifest.exports).filter((name) => name !== "./package.json");
    const source = names
      .map((name, index) => `import * as export${index} from "seqsync${name.slice(1)}";\nexport { export${index} };`)
      // A type that does not resolve is \`any\`, which takes everything: this line must be an error.
      .concat("import { run } from 'seqsync/conformance';\n// @ts-expect-error\nrun({ urls: 1 });\n");
    writeFileSync(join(project, "types.ts"), source.join("\n"));
    const { code, out } = await runs(command("tsc"), [
      ...["--noEmit", "--strict", "--target", "es2023", "--types", "node"],
      ...["--module", module, "--moduleResolution", resolution, "types.ts"],
    ]);
    expect(out).toBe("");
    expect(code).toBe(0);
  });
});
