/** Adds comments to generated code, which has none. */
import { type Application, Comment, type Context, Converter, ReflectionKind } from "typedoc";

/** Comments for the members that protoc-gen-es generates without comments. */
const GENERATED: Record<string, string> = {
  methodKind: "Whether the RPC returns one response message, or a stream.",
  input: "Schema of the request.",
  output: "Schema of the response.",
  case: "Name of the field of the oneof that is set; undefined if none is.",
  value: "Value of that field.",
};

export function explainTypes(app: Application): void {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }: Context) => {
    for (const it of project.getReflectionsByKind(ReflectionKind.Property)) {
      const text = it.parent?.kindOf(ReflectionKind.TypeLiteral) ? GENERATED[it.name] : undefined;
      if (text !== undefined && isGenerated(it.getFullName())) it.comment ??= new Comment([{ kind: "text", text }]);
    }
  });
}

const isGenerated = (name: string) => /^proto[./]/.test(name);
