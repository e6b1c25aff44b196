/** The schema as pages: one for each proto file, from its comments. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createFileRegistry,
  type DescEnum,
  type DescField,
  type DescFile,
  type DescMessage,
  type DescService,
  fromBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { anchor } from "../anchors.js";
import type { Page } from "../stage.js";
import { linkedErrors } from "./error-cases.js";

/** Titles of the pages by name of the proto file. */
const TITLES: Record<string, string> = {
  service: "seqsync.v1: service",
  message: "seqsync.v1: message and profiles",
  error: "seqsync.v1: errors",
  fixture: "Test fixtures: schema",
  report: "Report format",
  history: "History format",
};

/** Introductions of the pages. */
const INTRODUCTIONS: Record<string, string> = {
  report:
    "The output of `--report json=FILE`, from which all other formats are made: a `Report` in canonical protobuf JSON. It contains no credential.",
  history:
    "The format that `--record FILE` writes and `seqsync judge` reads: one `Event` per line. [History and offline judge](../guides/history.md) describes how to write one yourself.",
};

/** Compiles the schema with buf, which keeps the comments, and returns a page for each file. */
export function protoPages(root: string): Page[] {
  const folder = mkdtempSync(join(tmpdir(), "seqsync-schema-"));
  try {
    const image = join(folder, "image.binpb");
    execFileSync(join(root, "node_modules/.bin/buf"), ["build", join(root, "proto"), "--output", image]);
    const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(image)));
    const files = [...registry.files].filter(({ name }) => name.startsWith("seqsync/"));
    return Object.entries(TITLES).map(([name, title]) => {
      const file = files.find((it) => it.name.endsWith(`/${name}`));
      if (file === undefined) throw new Error(`there is no ${name}.proto`);
      return {
        path: `docs/reference/proto-${name}.md`,
        group: "Reference",
        text: fileText(file, title, INTRODUCTIONS[name]),
      };
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function fileText(file: DescFile, title: string, introduction: string | undefined): string {
  const about = commentsOf(file);
  return [
    `# ${title}`,
    "",
    ...(introduction === undefined ? [] : [introduction, ""]),
    `\`${file.name}.proto\`, package \`${file.proto.package}\`. From the comments of the schema.`,
    "",
    ...file.services.flatMap((it, index) => serviceText(it, about, [6, index])),
    ...file.messages.flatMap((it, index) => messageText(it, about, [4, index])),
    ...file.enums.flatMap((it, index) => enumText(it, about, [5, index])),
  ].join("\n");
}

type Comments = (path: readonly number[]) => string;

/** Returns the leading comments by path of their element, as in descriptor.proto. */
function commentsOf({ proto }: DescFile): Comments {
  const texts = new Map(
    proto.sourceCodeInfo?.location.map((it) => [it.path.join("."), it.leadingComments.replace(/^ /gm, "").trim()]),
  );
  return (path) => {
    const text = texts.get(path.join("."));
    if (!text) throw new Error(`${proto.name}: an element has no comment (${path.join(".")})`);
    // Escapes text that looks like a tag, except in code spans.
    return text.replace(/`[^`]*`|</g, (it) => (it === "<" ? "\\<" : it));
  };
}

function serviceText(service: DescService, about: Comments, path: readonly number[]): string[] {
  return [
    `## ${anchor(typeAnchor(service.typeName))}Service ${service.name}`,
    "",
    about(path),
    "",
    ...service.methods.flatMap((method, index) => [
      `### ${method.name}`,
      "",
      `${typeLink(method.input)} → ${method.methodKind === "server_streaming" ? "stream of " : ""}${typeLink(method.output)}`,
      "",
      linkedErrors(about([...path, 2, index]), method.name),
      "",
    ]),
  ];
}

function messageText(message: DescMessage, about: Comments, path: readonly number[]): string[] {
  const rows = message.fields.map((field, index) => {
    const oneof = field.oneof === undefined ? "" : ` (one of \`${field.oneof.name}\`)`;
    return `| ${field.number} | \`${field.name}\`${oneof} | ${typeOf(field)} | ${inTable(about([...path, 2, index]))} |`;
  });
  return [
    `## ${anchor(typeAnchor(message.typeName))}${message.name}`,
    "",
    about(path),
    "",
    ...(rows.length === 0 ? [] : ["| no. | field | type | meaning |", "| --- | --- | --- | --- |", ...rows, ""]),
    ...message.nestedMessages
      .filter(({ proto }) => !proto.options?.mapEntry)
      .flatMap((it) => messageText(it, about, [...path, 3, message.proto.nestedType.indexOf(it.proto)])),
    ...message.nestedEnums.flatMap((it, index) => enumText(it, about, [...path, 4, index])),
  ];
}

function enumText(desc: DescEnum, about: Comments, path: readonly number[]): string[] {
  return [
    `## ${anchor(typeAnchor(desc.typeName))}${desc.name}`,
    "",
    about(path),
    "",
    "| no. | value | meaning |",
    "| --- | --- | --- |",
    ...desc.values.map(
      (it, index) =>
        `| ${it.number} | ${anchor(valueAnchor(it.name))}\`${it.name}\` | ${inTable(linkedErrors(about([...path, 2, index]), it.name))} |`,
    ),
    "",
  ];
}

function typeOf(field: DescField): string {
  switch (field.fieldKind) {
    case "message":
      return typeLink(field.message);
    case "enum":
      return typeLink(field.enum);
    case "list":
      return `list of ${field.listKind === "scalar" ? scalar(field) : typeLink(field.message ?? (field.enum as DescEnum))}`;
    case "map":
      return `map to ${field.mapKind === "scalar" ? scalar(field) : typeLink(field.message ?? (field.enum as DescEnum))}`;
    case "scalar":
      return scalar(field);
  }
}

/** Scalar types by number, as in descriptor.proto. */
const SCALARS = [
  "",
  "double",
  "float",
  "int64",
  "uint64",
  "int32",
  "fixed64",
  "fixed32",
  "bool",
  "string",
  "",
  "",
  "bytes",
  "uint32",
];
const scalar = ({ scalar: type }: DescField) => `\`${SCALARS[type ?? 0] || `type ${type}`}\``;

function typeLink({ typeName, name, file }: DescMessage | DescEnum): string {
  return typeName.startsWith("google.")
    ? `[${name}](https://protobuf.dev/reference/protobuf/google.protobuf/#${name.toLowerCase()})`
    : `[${name}](proto-${file.name.split("/").at(-1)}.md#${typeAnchor(typeName)})`;
}

const typeAnchor = (typeName: string) => `type-${typeName.replaceAll(".", "-").toLowerCase()}`;
const valueAnchor = (name: string) => `value-${name.toLowerCase()}`;
const inTable = (text: string) => text.replaceAll("\n", " ").replaceAll("|", "\\|");
