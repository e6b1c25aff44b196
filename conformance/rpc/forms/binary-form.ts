import type { DescMessage } from "@bufbuild/protobuf";
import type { FormChoice } from "./aspects.js";

export function varyBinary(_schema: DescMessage, body: Uint8Array, _choice: FormChoice): Uint8Array {
  return body;
}
