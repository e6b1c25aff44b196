import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Profile } from "../../../proto/gen/seqsync/v1/message_pb.js";
import type { GetServerInfoResponse } from "../../../proto/gen/seqsync/v1/service_pb.js";
import { isJson, respondInstead, rpcOf } from "./interceptors.js";
import type { Mutant } from "./mutant.js";

/** Changes the response of GetServerInfo. */
const mapInfo = (
  change: (info: GetServerInfoResponse) => Partial<GetServerInfoResponse>,
): NonNullable<Mutant["operations"]> => {
  return (real) => ({
    getServerInfo: (service) => {
      const info = real.getServerInfo(service);
      return { ...info, ...change(info) };
    },
  });
};

/** Mutants of the chapter "Server info". */
export const info: readonly Mutant[] = [
  {
    name: "info-checks-credentials",
    breaks: "INFO-OPEN",
    about: "refuses GetServerInfo with an unknown credential",
    handler: (real, service) => {
      return (req, res) => {
        if (rpcOf(req) !== "GetServerInfo" || req.headers.authorization === undefined) return real(req, res);
        try {
          service.accounts.authenticate(req.headers.authorization);
          return real(req, res);
        } catch {
          req.resume();
          res.writeHead(401, { "content-type": "application/json" }).end('{"code":"unauthenticated"}');
          return undefined;
        }
      };
    },
  },
  {
    name: "info-version-of-the-package",
    breaks: "INFO-VERSION",
    about: "returns 1.0.0 as spec_version",
    operations: mapInfo(() => ({ specVersion: "1.0.0" })),
  },
  {
    name: "info-without-core",
    breaks: "INFO-CORE",
    about: "omits CORE from profiles",
    operations: mapInfo(({ profiles }) => ({ profiles: profiles.filter((profile) => profile !== Profile.CORE) })),
  },
  {
    name: "info-profile-twice",
    breaks: "INFO-CORE",
    about: "lists JSON twice in profiles",
    operations: mapInfo(({ profiles }) => ({ profiles: [...profiles, Profile.JSON] })),
  },
  {
    name: "info-profile-unspecified",
    breaks: "INFO-CORE",
    about: "lists PROFILE_UNSPECIFIED in profiles",
    operations: mapInfo(({ profiles }) => ({ profiles: [Profile.UNSPECIFIED, ...profiles] })),
  },
  {
    name: "info-no-page-limit",
    breaks: "INFO-LIMITS",
    about: "returns 0 as max_page_size to mean unlimited",
    operations: mapInfo(() => ({ maxPageSize: 0 })),
  },
  {
    name: "info-no-payload-limit",
    breaks: "INFO-LIMITS",
    about: "returns 0 as max_payload_bytes to mean unlimited",
    operations: mapInfo(() => ({ maxPayloadBytes: 0 })),
  },
  {
    name: "info-without-window",
    breaks: "INFO-WINDOW",
    about: "omits dedup_window",
    operations: (real) => ({
      getServerInfo: (service) => {
        const { dedupWindow: _, ...rest } = real.getServerInfo(service);
        return rest;
      },
    }),
  },
  {
    name: "info-window-of-zero",
    breaks: "INFO-WINDOW",
    about: "returns 0 as dedup_window",
    operations: mapInfo(() => ({ dedupWindow: durationFromMs(0) })),
  },
  {
    name: "info-json-undeclared",
    breaks: "INFO-UNDECLARED",
    about: "serves JSON without declaring it",
    operations: mapInfo(({ profiles }) => ({ profiles: profiles.filter((profile) => profile !== Profile.JSON) })),
  },
  {
    name: "info-json-undeclared-is-400",
    breaks: "INFO-UNDECLARED",
    about: "responds with 400 to JSON, which it does not declare",
    options: { profiles: [Profile.WATCH] },
    handler: respondInstead((req) => (isJson(req) && !req.url?.includes("Fixture") ? { status: 400 } : undefined)),
  },
  {
    name: "info-watch-undeclared",
    breaks: "INFO-UNDECLARED",
    about: "serves Watch without declaring it",
    operations: mapInfo(({ profiles }) => ({ profiles: profiles.filter((profile) => profile !== Profile.WATCH) })),
  },
];
