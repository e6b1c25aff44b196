import type { DescMessage } from "@bufbuild/protobuf";
import type { FormChoice } from "./aspects.js";

export function varyJson(_schema: DescMessage, body: string, _choice: FormChoice): string {
  return body;
}
