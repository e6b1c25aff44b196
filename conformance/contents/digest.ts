import { createHash } from "node:crypto";

/** Digits, letters and bytes that differ for each text. */
export class Digest {
  readonly bytes: Buffer;

  constructor(text: string) {
    this.bytes = createHash("sha256").update(text).digest();
  }

  /** Lower-case hexadecimal digits, two for each byte; at most 32 bytes. */
  hex(bytes = 8): string {
    return this.bytes.subarray(0, bytes).toString("hex");
  }

  /** Letters and digits of both cases: at least 14 are as good as unique. At most 32. */
  word(length = 14): string {
    const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    return Array.from(this.bytes.subarray(0, length), (byte) => alphabet[byte % alphabet.length]).join("");
  }

  /** A number of so many bits, of which the highest is 1; at most 128 bits. */
  number(bits: number): bigint {
    const value = BigInt(`0x${this.hex(16)}`) >> BigInt(128 - bits);
    return value | (1n << BigInt(bits - 1));
  }
}
