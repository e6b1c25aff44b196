/**
 * Gives older versions of Node the standard's `Uint8Array.prototype.toBase64` (ECMAScript 2026; Node from 25 on has it), which
 * \@bufbuild/protobuf uses for JSON if it is there when that module is loaded. The library's own way adds character to character,
 * and spends seconds on what takes milliseconds. Programs import this first; libraries do not, since it touches a global.
 */
type Options = { alphabet?: "base64" | "base64url"; omitPadding?: boolean };

if (!("toBase64" in Uint8Array.prototype))
  Object.defineProperty(Uint8Array.prototype, "toBase64", {
    configurable: true,
    writable: true,
    value(this: Uint8Array, { alphabet = "base64", omitPadding = false }: Options = {}): string {
      const text = Buffer.from(this.buffer, this.byteOffset, this.byteLength).toString(alphabet);
      // Of Buffer's two, only the plain alphabet comes with padding.
      if (alphabet === "base64") return omitPadding ? text.replace(/=+$/, "") : text;
      return omitPadding ? text : text.padEnd(Math.ceil(text.length / 4) * 4, "=");
    },
  });

export {};
