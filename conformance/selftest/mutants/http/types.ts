import { editRequests, mapResponses, respondInstead, rpcOf } from "../interceptors.js";
import type { Mutant } from "../mutant.js";

/** Faults of the chapter "HTTP binding": content types. */
export const httpTypes: readonly Mutant[] = [
  {
    name: "http-answer-type-of-google",
    breaks: "HTTP-ANSWER-TYPE",
    about: "binary answers to Send have the type application/x-protobuf",
    handler: mapResponses((answer, req) =>
      rpcOf(req) === "Send" && answer.headers["content-type"] === "application/proto"
        ? { ...answer, headers: { ...answer.headers, "content-type": "application/x-protobuf" } }
        : answer,
    ),
  },
  {
    name: "http-answer-type-by-accept",
    breaks: "HTTP-ANSWER-TYPE",
    about: "an Accept header decides the type that the answer says it has",
    handler: mapResponses((answer, req) => {
      const accept = req.headers.accept ?? "*/*";
      return answer.status === 200 && accept.startsWith("application/")
        ? { ...answer, headers: { ...answer.headers, "content-type": accept } }
        : answer;
    }),
  },
  {
    name: "http-type-with-case",
    breaks: "HTTP-TYPE-PARAMETERS",
    about: "media types are compared with regard to case",
    handler: respondInstead((req) => (/[A-Z]/.test(req.headers["content-type"] ?? "") ? { status: 415 } : undefined)),
  },
  {
    name: "http-type-without-charset",
    breaks: "HTTP-TYPE-PARAMETERS",
    about: "application/json; charset=utf-8 is no JSON",
    handler: respondInstead((req) => (/charset/.test(req.headers["content-type"] ?? "") ? { status: 415 } : undefined)),
  },
  {
    name: "http-type-missing-is-binary",
    breaks: "HTTP-MEDIA-TYPE",
    about: "a body without a content type is taken as binary",
    handler: editRequests((req) => {
      if (rpcOf(req) !== "Watch") req.headers["content-type"] ??= "application/proto";
    }),
  },
  {
    name: "http-type-unknown-is-binary",
    breaks: "HTTP-MEDIA-TYPE",
    about: "application/octet-stream is taken as binary",
    handler: editRequests((req) => {
      if (req.headers["content-type"] === "application/octet-stream") req.headers["content-type"] = "application/proto";
    }),
  },
  {
    name: "http-type-wrong-is-400",
    breaks: "HTTP-MEDIA-TYPE",
    about: "a wrong content type is answered with 400",
    handler: mapResponses((answer) => (answer.status === 415 ? { ...answer, status: 400 } : answer)),
  },
  {
    name: "http-type-of-watch-with-case",
    breaks: "HTTP-TYPE-PARAMETERS",
    about: "Watch, which goes through code of its own, compares media types with regard to case",
    handler: respondInstead((req) =>
      rpcOf(req) === "Watch" && /[A-Z]/.test(req.headers["content-type"] ?? "") ? { status: 415 } : undefined,
    ),
  },
  {
    name: "http-type-with-charset-but-no-space",
    breaks: "HTTP-TYPE-PARAMETERS",
    about: "application/json;charset=UTF-8, without a space, is no JSON",
    handler: respondInstead((req) =>
      /json;\S/i.test(req.headers["content-type"] ?? "") ? { status: 415 } : undefined,
    ),
  },
  {
    name: "http-type-of-google-is-binary",
    breaks: "HTTP-MEDIA-TYPE",
    about: "application/x-protobuf is taken as binary",
    handler: editRequests((req) => {
      if (req.headers["content-type"] === "application/x-protobuf") req.headers["content-type"] = "application/proto";
    }),
  },
  {
    name: "http-type-that-ends-with-json",
    breaks: "HTTP-MEDIA-TYPE",
    about: "any type that ends with json, such as text/json or application/problem+json, is taken as JSON",
    handler: editRequests((req) => {
      const type = req.headers["content-type"] ?? "";
      if (type.endsWith("json") && !type.includes("connect+")) req.headers["content-type"] = "application/json";
    }),
  },
  {
    name: "http-type-by-accept",
    breaks: "HTTP-MEDIA-TYPE",
    about: "where the content type is missing, the Accept header says the codec",
    handler: editRequests((req) => {
      const { accept } = req.headers;
      if (/^application\/(proto|json)$/.test(accept ?? "")) req.headers["content-type"] ??= accept;
    }),
  },
  {
    name: "http-type-of-watch-unknown-is-binary",
    breaks: "HTTP-MEDIA-TYPE",
    about: "a Watch in application/octet-stream is taken as binary",
    handler: editRequests((req) => {
      if (rpcOf(req) === "Watch" && req.headers["content-type"] === "application/octet-stream")
        req.headers["content-type"] = "application/connect+proto";
    }),
  },
];
