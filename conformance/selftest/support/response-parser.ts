/** The head of an HTTP/1.1 response: its header lines keep their order and spelling. */
export interface ResponseHead {
  status: number;
  reason: string;
  headers: [name: string, value: string][];
}

export interface ResponseListener {
  onHead(head: ResponseHead): void;
  onData(data: Buffer): void;
  onEnd(): void;
}

/** Parses the responses of a correct HTTP/1.1 server, one after the other. */
export class ResponseParser {
  readonly #listener: ResponseListener;
  #received = Buffer.alloc(0);
  #state: "head" | "length" | "chunk size" | "chunk" | "chunk end" | "trailers" = "head";
  #left = 0;
  /** Whether the response that comes next has no body, because it is that to a HEAD request. */
  isToHead = false;

  constructor(listener: ResponseListener) {
    this.#listener = listener;
  }

  push(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    while (this.#step());
  }

  /** Handles the next part of a response. Returns false if it has not arrived. */
  #step(): boolean {
    switch (this.#state) {
      case "head": {
        const head = this.#take("\r\n\r\n");
        if (head === undefined) return false;
        this.#startBody(parseHead(head));
        return true;
      }
      case "chunk size": {
        const line = this.#take("\r\n");
        if (line === undefined) return false;
        this.#left = Number.parseInt(line, 16);
        this.#state = this.#left === 0 ? "trailers" : "chunk";
        return true;
      }
      case "chunk end":
        if (this.#take("\r\n") === undefined) return false;
        this.#state = "chunk size";
        return true;
      case "trailers": {
        const line = this.#take("\r\n");
        if (line === "") this.#end();
        return line !== undefined;
      }
      default: {
        const data = this.#received.subarray(0, this.#left);
        if (data.length === 0) return false;
        this.#received = this.#received.subarray(data.length);
        this.#left -= data.length;
        this.#listener.onData(data);
        if (this.#left > 0) return false;
        if (this.#state === "length") this.#end();
        else this.#state = "chunk end";
        return true;
      }
    }
  }

  #startBody(head: ResponseHead): void {
    this.#listener.onHead(head);
    if (head.status < 200) return;
    const length = headerOf(head, "content-length");
    const isEmpty = this.isToHead || head.status === 204 || head.status === 304;
    if (!isEmpty && headerOf(head, "transfer-encoding") !== undefined) this.#state = "chunk size";
    else if (isEmpty || length === undefined || Number(length) === 0) this.#end();
    else {
      this.#state = "length";
      this.#left = Number(length);
    }
  }

  #end(): void {
    this.#state = "head";
    this.#listener.onEnd();
  }

  /** Removes and returns the text up to a separator, and removes the separator. */
  #take(separator: string): string | undefined {
    const end = this.#received.indexOf(separator);
    if (end < 0) return undefined;
    const text = this.#received.toString("latin1", 0, end);
    this.#received = this.#received.subarray(end + separator.length);
    return text;
  }
}

/** Returns the value of a header; undefined if there is none. */
export const headerOf = ({ headers }: ResponseHead, name: string) =>
  headers.find(([other]) => other.toLowerCase() === name)?.[1];

function parseHead(text: string): ResponseHead {
  const [statusLine = "", ...lines] = text.split("\r\n");
  const [, status = "0", reason = ""] = /^HTTP\/1\.\d (\d{3}) ?(.*)$/.exec(statusLine) ?? [];
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return { status: Number(status), reason, headers };
}
