/** The package as a user gets it: packed, and installed into an empty folder whose name has a space. */
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
const tarball = join(scratch, `seqsync-${manifest.version}.tgz`);
const installedVersion = (name: string) =>
  (JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8")) as { version: string }).version;

/** Runs a command in the project; never rejects. */
async function run(file: string, args: string[], cwd = project): Promise<{ code: number; out: string }> {
  const env = { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined, VITEST: undefined, NODE_OPTIONS: undefined };
  try {
    const { stdout, stderr } = await promisify(execFile)(file, args, { cwd, env, maxBuffer: 16 << 20 });
    return { code: 0, out: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: stdout + stderr };
  }
}

/** Runs npm, which has to succeed. */
async function npm(...args: string[]): Promise<string> {
  const { code, out } = await run("npm", args, args[0] === "pack" ? root : project);
  if (code !== 0) throw new Error(`npm ${args.join(" ")} exited with ${code}:\n${out}`);
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
  await npm("install", "--no-audit", "--no-fund", "--prefer-offline", tarball);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("the tarball", () => {
  test("is smaller than 560 kB", () => {
    expect(statSync(tarball).size).toBeLessThan(560_000);
  });

  test("holds what runs, its documents, and nothing else", () => {
    const files = readdirSync(join(project, "node_modules/seqsync"), { recursive: true, withFileTypes: true })
      .filter((it) => it.isFile())
      .map((it) => join(it.parentPath, it.name).slice(join(project, "node_modules/seqsync/").length))
      .map((file) => file.replaceAll("\\", "/"));
    for (const file of [
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "conformance/cli/config.schema.json",
      "docs/spec/README.md",
      "proto/seqsync/v1/service.proto",
    ])
      expect(files).toContain(file);
    const kinds = [
      /^(CHANGELOG\.md|LICENSE|README(\.zh-CN)?\.md|package\.json)$/,
      /^conformance\/cli\/config\.schema\.json$/,
      /^docs\/spec\/.+\.(md|pml)$/,
      /^proto\/seqsync\/.+\.proto$/,
      /^dist\/(proto|reference-server|conformance)\/.+(\.js|\.d\.ts)$/,
    ];
    expect(files.filter((file) => !kinds.some((kind) => kind.test(file)))).toEqual([]);
    expect(files.filter((file) => /\.test\.|(^|\/)testing\/|\/benchmarks\//.test(file))).toEqual([]);
    expect(files.filter((file) => /\/selftest\/(?!mutants\/)/.test(file))).toEqual([]);
  });

  test.each([
    ["publint", "publint", ["run", "--strict"]],
    ["attw: its types resolve from ESM and in bundlers", "attw", ["--profile", "esm-only", "--no-definitely-typed"]],
  ])("passes %s", async (_, tool, args) => {
    const { code, out } = await run(join(root, "node_modules/.bin", tool), [...args, tarball]);
    expect({ code, out: code === 0 ? "" : out }).toEqual({ code: 0, out: "" });
  });
});

describe("installed alone", () => {
  test("takes less than 15 MB with all its dependencies", () => {
    expect(sizeOf(join(project, "node_modules"))).toBeLessThan(15e6);
  });

  test("prints its version", async () => {
    expect(await run(command("seqsync"), ["--version"])).toEqual({ code: 0, out: `${manifest.version}\n` });
  });

  test("checks the reference server", async () => {
    const { code, out } = await run(command("seqsync"), ["check", "--reference", "--only", "ack/*"]);
    expect(out).toMatch(/ 0 failed[ ,]/);
    expect(code).toBe(0);
  });

  // Windows has no such limit.
  test.skipIf(process.platform === "win32")("says in one line that it may open too few files", async () => {
    const script = `ulimit -n 64; exec "$0" --version 2>&1`;
    const { code, out } = await run("sh", ["-c", script, command("seqsync")]);
    expect(out).toMatch(/^seqsync: this process may open too few files; .+\n$/);
    expect(code).toBe(3);
  });

  test("lists the mutants, and checks one of them", async () => {
    const listed = await run(command("seqsync"), ["mutants"]);
    expect(listed.out).toMatch(/^ack-on-answer +ACK-NOT-ON-ANSWER /m);
    expect(listed.code).toBe(0);
    const { code, out } = await run(command("seqsync"), ["check", "--mutant", "ack-on-answer", "--only", "ack/*"]);
    expect(out).toContain("ACK-NOT-ON-ANSWER");
    expect(code).toBe(1);
  });

  test("runs the reference server until SIGTERM, and checks it by its URL", async () => {
    const server = spawn(command("seqsync-reference-server"), ["--port", "0", "--fixtures"], { cwd: project });
    const exited = new Promise((resolve) => server.once("close", resolve));
    try {
      const url = await new Promise<string>((resolve, reject) => {
        let text = "";
        server.stdout.on("data", (chunk: Buffer) => {
          text += chunk;
          const found = /^listening on (\S+)\n/.exec(text)?.[1];
          if (found !== undefined) resolve(found);
        });
        server.once("close", () => reject(new Error(`the server exited early: ${text}`)));
      });
      const { code, out } = await run(command("seqsync"), ["check", url, "--only", "ack/*"]);
      expect(out).toMatch(/ 0 failed[ ,]/);
      expect(code).toBe(0);
    } finally {
      server.kill("SIGTERM");
    }
    expect(await exited).toBe(0);
  });

  test("exports every entry point but the one of the optional peer", async () => {
    writeFileSync(
      join(project, "use.js"),
      `import manifest from "seqsync/package.json" with { type: "json" };
      import schema from "seqsync/config.schema.json" with { type: "json" };
      import * as proto from "seqsync/proto";
      import { Outcome } from "seqsync/proto/conformance";
      import { startReferenceServer } from "seqsync/reference-server";
      import { check } from "seqsync/conformance";
      const server = await startReferenceServer({ fixtures: true });
      const report = await check({ urls: [server.url], select: ({ id }) => id.startsWith("ack/") });
      await server.close();
      console.log(manifest.version, schema.type, proto.SeqSyncService.typeName, Outcome[report.verdict]);
      console.log(Object.keys(proto).filter((name) => name.startsWith("file_")).join(" "));
      await import("seqsync/vitest").then(() => console.log("vitest"), (error) => console.log(error.code));`,
    );
    const { out } = await run(process.execPath, ["--no-warnings", "use.js"]);
    expect(out.split("\n")).toEqual([
      `${manifest.version} object seqsync.v1.SeqSyncService PASS`,
      // A client sees the wire protocol alone, and none of the suite's formats.
      "file_seqsync_v1_error file_seqsync_v1_message file_seqsync_v1_service",
      "ERR_MODULE_NOT_FOUND",
      "",
    ]);
  });
});

describe("with vitest, TypeScript and the types of Node", () => {
  beforeAll(async () => {
    const peers = ["vitest", "typescript", "@types/node"].map((name) => `${name}@${installedVersion(name)}`);
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
    const { code, out } = await run(command("vitest"), ["run"]);
    expect(out).toMatch(/Tests {2}\d+ passed (\| \d+ skipped )?\(\d+\)/);
    expect(code).toBe(0);
  });

  test.each([
    { module: "node16", resolution: "node16" },
    { module: "esnext", resolution: "bundler" },
  ])("has types for every export with moduleResolution $resolution", async ({ module, resolution }) => {
    const names = Object.keys(manifest.exports).filter((name) => !name.endsWith(".json"));
    const source = names
      .map((name, index) => `import * as export${index} from "seqsync${name.slice(1)}";\nexport { export${index} };`)
      // A type that does not resolve is \`any\`, which accepts everything: this line must be an error.
      .concat("import { check } from 'seqsync/conformance';\n// @ts-expect-error\ncheck({ urls: 1 });\n");
    writeFileSync(join(project, "types.ts"), source.join("\n"));
    const { code, out } = await run(command("tsc"), [
      ...["--noEmit", "--strict", "--target", "es2023", "--types", "node"],
      ...["--module", module, "--moduleResolution", resolution, "types.ts"],
    ]);
    expect(out).toBe("");
    expect(code).toBe(0);
  });
});
