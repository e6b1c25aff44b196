import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { UsageError } from "./usage.js";
import { prepareFile, writeText } from "./write-file.js";

const fault = vi.hoisted(() => ({ onWrite: undefined as (() => void) | undefined }));
// A disk that is full cannot be mounted everywhere. The real function writes a part first.
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>();
  const writeFile: typeof fs.writeFileSync = (file, data, options) => {
    if (fault.onWrite === undefined) return fs.writeFileSync(file, data, options);
    fs.writeFileSync(file, String(data).slice(0, 3), options);
    return fault.onWrite();
  };
  return { ...fs, writeFileSync: writeFile };
});

const root = mkdtempSync(join(tmpdir(), "seqsync-write-"));
afterAll(() => rmSync(root, { recursive: true }));

let folder: string;
let problems: string[];
const path = (name: string) => join(folder, name);
const write = (name: string, text: string) => writeText(path(name), text, (line) => problems.push(line));
beforeEach(() => {
  folder = mkdtempSync(join(root, "case-"));
  problems = [];
  fault.onWrite = undefined;
});

describe("a file", () => {
  test("is replaced as a whole, and keeps its mode", () => {
    writeFileSync(path("r.json"), "old");
    chmodSync(path("r.json"), 0o640);
    const before = statSync(path("r.json")).ino;
    expect(write("r.json", "new")).toBe(true);
    expect(readFileSync(path("r.json"), "utf8")).toBe("new");
    expect(statSync(path("r.json")).mode & 0o777).toBe(0o640);
    expect(statSync(path("r.json")).ino).not.toBe(before);
    expect(readdirSync(folder)).toEqual(["r.json"]);
  });

  test("that is a symbolic link stays one", () => {
    writeFileSync(path("real"), "old");
    symlinkSync("real", path("link"));
    write("link", "new");
    expect(lstatSync(path("link")).isSymbolicLink()).toBe(true);
    expect(readFileSync(path("real"), "utf8")).toBe("new");
  });

  test("stays as it was if the disk is full, with one line and no other file left", () => {
    writeFileSync(path("r.json"), "old");
    fault.onWrite = () => {
      throw Object.assign(new Error("write"), { code: "ENOSPC" });
    };
    expect(write("r.json", "new and longer")).toBe(false);
    expect(problems).toEqual([`cannot write ${path("r.json")}: the disk is full`]);
    expect(readFileSync(path("r.json"), "utf8")).toBe("old");
    expect(readdirSync(folder)).toEqual(["r.json"]);
  });
});

describe("before a run", () => {
  test("the folder of a report is made, and no file", () => {
    prepareFile(path("a/b/r.json"));
    expect(statSync(path("a/b")).isDirectory()).toBe(true);
    expect(existsSync(path("a/b/r.json"))).toBe(false);
    expect(readdirSync(path("a/b"))).toEqual([]);
  });

  test("an existing report is not changed", () => {
    writeFileSync(path("r.json"), "old");
    prepareFile(path("r.json"));
    expect(readFileSync(path("r.json"), "utf8")).toBe("old");
  });

  test.each([
    ["it is a folder", "folder", /it is a folder/],
    ["its parent is a file", "file/r.json", /not a folder/],
    ["a part of its path is a file", "file/a/r.json", /not a folder/],
    ["the file system refuses", "/proc/none/r.json", /no such file or folder|permission denied/],
  ])("a file cannot be written if %s", (_, name, why) => {
    mkdirSync(path("folder"));
    writeFileSync(path("file"), "");
    const prepare = () => prepareFile(name.startsWith("/") ? name : path(name));
    expect(prepare).toThrow(UsageError);
    expect(prepare).toThrow(why);
  });
});
