/** Adjusts what TypeDoc makes of generated code, which cannot be documented by hand. */
import { type Application, Comment, type Context, Converter, ReflectionKind, UnknownType } from "typedoc";

/** What protoc-gen-es writes into types without a word about it. */
const GENERATED: Record<string, string> = {
  methodKind: "Whether the RPC answers once, or with a stream.",
  input: "Schema of the request.",
  output: "Schema of the response.",
  case: "Which field of the oneof is set; undefined if none is.",
  value: "The value of that field.",
};

/** Constants whose literal types would say each entry again. */
const RECORDS: Record<string, string> = {
  REQUIREMENTS: "Readonly<Record<RequirementId, Requirement>>",
  renderers: "Readonly<Record<ReportFormat, Renderer>>",
};

export function explainTypes(app: Application): void {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }: Context) => {
    for (const it of project.getReflectionsByKind(ReflectionKind.Property)) {
      const text = it.parent?.kindOf(ReflectionKind.TypeLiteral) ? GENERATED[it.name] : undefined;
      if (text !== undefined && isGenerated(it.getFullName())) it.comment ??= new Comment([{ kind: "text", text }]);
    }
    for (const it of project.getReflectionsByKind(ReflectionKind.Variable)) {
      const type = RECORDS[it.name];
      if (!it.isDeclaration() || type === undefined) continue;
      project.removeTypeReflections(it.type);
      it.type = new UnknownType(type);
    }
  });
}

const isGenerated = (name: string) => name.startsWith("proto.");
