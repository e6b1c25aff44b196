import { editRequests, mapResponses, respondInstead, rpcOf } from "../interceptors.js";
import type { Mutant } from "../mutant.js";

/** Mutants of the chapter "HTTP binding": content types. */
export const httpTypes: readonly Mutant[] = [
  {
    name: "http-answer-type-of-google",
    breaks: "HTTP-ANSWER-TYPE",
    about: "sends binary Send responses as application/x-protobuf",
    handler: mapResponses((response, req) =>
      rpcOf(req) === "Send" && response.headers["content-type"] === "application/proto"
        ? { ...response, headers: { ...response.headers, "content-type": "application/x-protobuf" } }
        : response,
    ),
  },
  {
    name: "http-answer-type-by-accept",
    breaks: "HTTP-ANSWER-TYPE",
    about: "copies the Accept header into the content type of the response",
    handler: mapResponses((response, req) => {
      const accept = req.headers.accept ?? "*/*";
      return response.status === 200 && accept.startsWith("application/")
        ? { ...response, headers: { ...response.headers, "content-type": accept } }
        : response;
    }),
  },
  {
    name: "http-type-with-case",
    breaks: "HTTP-TYPE-PARAMETERS",
    about: "compares media types case-sensitively",
    handler: respondInstead((req) => (/[A-Z]/.test(req.headers["content-type"] ?? "") ? { status: 415 } : undefined)),
  },
  {
    name: "http-type-without-charset",
    breaks: "HTTP-TYPE-PARAMETERS",
    about: "rejects application/json; charset=utf-8",
    handler: respondInstead((req) => (/charset/.test(req.headers["content-type"] ?? "") ? { status: 415 } : undefined)),
  },
  {
    name: "http-type-missing-is-binary",
    breaks: "HTTP-MEDIA-TYPE",
    about: "treats a body without a content type as binary",
    handler: editRequests((req) => {
      if (rpcOf(req) !== "Watch") req.headers["content-type"] ??= "application/proto";
    }),
  },
  {
    name: "http-type-unknown-is-binary",
    breaks: "HTTP-MEDIA-TYPE",
    about: "treats application/octet-stream as binary",
    handler: editRequests((req) => {
      if (req.headers["content-type"] === "application/octet-stream") req.headers["content-type"] = "application/proto";
    }),
  },
  {
    name: "http-type-wrong-is-400",
    breaks: "HTTP-MEDIA-TYPE",
    about: "responds to an unsupported content type with 400",
    handler: mapResponses((response) => (response.status === 415 ? { ...response, status: 400 } : response)),
  },
  {
    name: "http-type-of-watch-with-case",
    breaks: "HTTP-TYPE-PARAMETERS",
    about: "compares media types case-sensitively for Watch only",
    handler: respondInstead((req) =>
      rpcOf(req) === "Watch" && /[A-Z]/.test(req.headers["content-type"] ?? "") ? { status: 415 } : undefined,
    ),
  },
  {
    name: "http-type-with-charset-but-no-space",
    breaks: "HTTP-TYPE-PARAMETERS",
    about: "rejects application/json;charset=UTF-8, without a space after the semicolon",
    handler: respondInstead((req) =>
      /json;\S/i.test(req.headers["content-type"] ?? "") ? { status: 415 } : undefined,
    ),
  },
  {
    name: "http-type-of-google-is-binary",
    breaks: "HTTP-MEDIA-TYPE",
    about: "accepts application/x-protobuf as binary",
    handler: editRequests((req) => {
      if (req.headers["content-type"] === "application/x-protobuf") req.headers["content-type"] = "application/proto";
    }),
  },
  {
    name: "http-type-that-ends-with-json",
    breaks: "HTTP-MEDIA-TYPE",
    about: "accepts any type that ends in json, such as text/json or application/problem+json, as JSON",
    handler: editRequests((req) => {
      const type = req.headers["content-type"] ?? "";
      if (type.endsWith("json") && !type.includes("connect+")) req.headers["content-type"] = "application/json";
    }),
  },
  {
    name: "http-type-by-accept",
    breaks: "HTTP-MEDIA-TYPE",
    about: "takes the codec from the Accept header if the content type is missing",
    handler: editRequests((req) => {
      const { accept } = req.headers;
      if (/^application\/(proto|json)$/.test(accept ?? "")) req.headers["content-type"] ??= accept;
    }),
  },
  {
    name: "http-type-of-watch-unknown-is-binary",
    breaks: "HTTP-MEDIA-TYPE",
    about: "treats a Watch in application/octet-stream as binary",
    handler: editRequests((req) => {
      if (rpcOf(req) === "Watch" && req.headers["content-type"] === "application/octet-stream")
        req.headers["content-type"] = "application/connect+proto";
    }),
  },
];
