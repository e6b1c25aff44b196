import type { Contents } from "./aspects.js";

/** Contents as short texts. */
export class PlainContents implements Contents {
  #ids = 0;

  id(unique: string): string {
    this.#ids += 1;
    return `${unique}-${this.#ids}`;
  }

  payload(text: string, maxBytes: number): Uint8Array {
    return Buffer.from(text).subarray(0, maxBytes);
  }
}
