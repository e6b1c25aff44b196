import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Profile } from "../../../proto/gen/seqsync/v1/message_pb.js";
import type { GetServerInfoResponse } from "../../../proto/gen/seqsync/v1/service_pb.js";
import { isJson, respondInstead, rpcOf } from "./interceptors.js";
import type { Mutant } from "./mutant.js";

/** Changes what the server says of itself. */
const telling = (
  change: (info: GetServerInfoResponse) => Partial<GetServerInfoResponse>,
): NonNullable<Mutant["operations"]> => {
  return (real) => ({
    getServerInfo: (service) => {
      const info = real.getServerInfo(service);
      return { ...info, ...change(info) };
    },
  });
};

/** Faults of the chapter "Server info". */
export const info: readonly Mutant[] = [
  {
    name: "info-checks-credentials",
    breaks: "INFO-OPEN",
    about: "GetServerInfo is refused if it comes with a credential that is not known",
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
    about: "spec_version is 1.0.0",
    operations: telling(() => ({ specVersion: "1.0.0" })),
  },
  {
    name: "info-without-core",
    breaks: "INFO-CORE",
    about: "profiles holds only what goes beyond CORE",
    operations: telling(({ profiles }) => ({ profiles: profiles.filter((profile) => profile !== Profile.CORE) })),
  },
  {
    name: "info-profile-twice",
    breaks: "INFO-CORE",
    about: "profiles holds JSON twice",
    operations: telling(({ profiles }) => ({ profiles: [...profiles, Profile.JSON] })),
  },
  {
    name: "info-profile-unspecified",
    breaks: "INFO-CORE",
    about: "profiles begins with PROFILE_UNSPECIFIED",
    operations: telling(({ profiles }) => ({ profiles: [Profile.UNSPECIFIED, ...profiles] })),
  },
  {
    name: "info-no-page-limit",
    breaks: "INFO-LIMITS",
    about: "max_page_size is 0, for unlimited",
    operations: telling(() => ({ maxPageSize: 0 })),
  },
  {
    name: "info-no-payload-limit",
    breaks: "INFO-LIMITS",
    about: "max_payload_bytes is 0, for unlimited",
    operations: telling(() => ({ maxPayloadBytes: 0 })),
  },
  {
    name: "info-without-window",
    breaks: "INFO-WINDOW",
    about: "dedup_window is not set",
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
    about: "dedup_window is 0",
    operations: telling(() => ({ dedupWindow: durationFromMs(0) })),
  },
  {
    name: "info-json-undeclared",
    breaks: "INFO-UNDECLARED",
    about: "JSON is served in part, and not declared",
    operations: telling(({ profiles }) => ({ profiles: profiles.filter((profile) => profile !== Profile.JSON) })),
  },
  {
    name: "info-json-undeclared-is-400",
    breaks: "INFO-UNDECLARED",
    about: "without the JSON profile, JSON is answered with 400",
    options: { profiles: [Profile.WATCH] },
    handler: respondInstead((req) => (isJson(req) && !req.url?.includes("Fixture") ? { status: 400 } : undefined)),
  },
  {
    name: "info-watch-undeclared",
    breaks: "INFO-UNDECLARED",
    about: "Watch is served, and not declared",
    operations: telling(({ profiles }) => ({ profiles: profiles.filter((profile) => profile !== Profile.WATCH) })),
  },
];
