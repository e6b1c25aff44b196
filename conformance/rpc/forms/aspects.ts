import type { RequirementId } from "../../requirements/requirements.js";
import type { Codec } from "../connect.js";

/** What a request can differ in without a difference in meaning. */
export interface Aspect {
  /** Name for `--vary`: lower case, with hyphens. */
  name: string;
  /** What is different about the requests: completes "only with …". */
  about: string;
  /** The requirement of a server that handles such requests differently; by codec if it depends on that. */
  requirement: RequirementId | Readonly<Record<Codec, RequirementId>>;
  /** The codec that has this aspect. Default: both. */
  codec?: Codec;
}

const BODY = { proto: "HTTP-BINARY", json: "HTTP-JSON" } as const;

/** The aspects of the form of a request: all forms mean the same by the specification. */
export const FORM_ASPECTS = [
  { name: "header-case", about: "header names in other cases", requirement: "HTTP-HEADERS" },
  { name: "header-order", about: "headers in another order", requirement: "HTTP-HEADERS" },
  { name: "extra-headers", about: "further headers, as many clients send them", requirement: "HTTP-HEADERS" },
  { name: "scheme", about: "the authentication scheme in another case", requirement: "AUTH-SCHEME" },
  {
    name: "media-type",
    about: "the media type in another case or with a charset",
    requirement: "HTTP-TYPE-PARAMETERS",
  },
  { name: "chunked", about: "a chunked body", requirement: "HTTP-CHUNKED" },
  { name: "packets", about: "a body in other packets than the headers", requirement: BODY },
  {
    name: "connection",
    about: "another kind of connection: a new one for each, or HTTP/1.1",
    requirement: "HTTP-PATH",
  },
  { name: "field-order", about: "fields in another order", requirement: "HTTP-BINARY", codec: "proto" },
  { name: "unknown-fields", about: "unknown fields", requirement: "HTTP-UNKNOWN-FIELDS", codec: "proto" },
  {
    name: "long-varints",
    about: "tags, lengths or numbers in more bytes than needed",
    requirement: "HTTP-BINARY",
    codec: "proto",
  },
  { name: "defaults", about: "fields that hold their default value", requirement: BODY },
  {
    name: "repeated-fields",
    about: "a field that occurs twice, of which the last one counts",
    requirement: "HTTP-BINARY",
    codec: "proto",
  },
  { name: "white-space", about: "white space between JSON tokens", requirement: "HTTP-JSON", codec: "json" },
  { name: "escapes", about: "escapes in JSON strings", requirement: "HTTP-JSON", codec: "json" },
  { name: "member-order", about: "JSON members in another order", requirement: "HTTP-JSON", codec: "json" },
  {
    name: "member-names",
    about: "member names in the form of the proto file",
    requirement: "HTTP-JSON",
    codec: "json",
  },
  { name: "number-strings", about: "numbers as decimal strings", requirement: "HTTP-JSON-NUMBERS", codec: "json" },
  {
    name: "base64",
    about: "base64 of the other alphabet, or without padding",
    requirement: "HTTP-JSON",
    codec: "json",
  },
  { name: "unknown-members", about: "unknown JSON members", requirement: "HTTP-JSON-UNKNOWN", codec: "json" },
] as const satisfies readonly Aspect[];

/** Name of an aspect of the form. */
export type FormAspect = (typeof FORM_ASPECTS)[number]["name"];

/** Decides, for each aspect, whether it applies to a request, and supplies its random numbers. */
export interface FormChoice {
  /** Returns whether an aspect applies; always false for an aspect that is switched off. */
  applies(aspect: FormAspect): boolean;
  /** Returns random numbers from 0 to below 1, which depend on the seed, the request and the aspect only. */
  random(aspect: FormAspect): () => number;
}
