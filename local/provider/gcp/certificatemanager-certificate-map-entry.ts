import type { CheckFailure, Properties, ResourceType } from "../resource-type.ts";
import { lastSegment, textOr } from "../values.ts";
import { withTimes } from "./gcp-resource.ts";

/** ForceNew in terraform-provider-google, services/certificatemanager/resource_certificate_manager_certificate_map_entry.go. */
const replaceOn = ["name", "project", "map", "hostname", "matcher"] as const;

/** gcp.certificatemanager.CertificateMapEntry: kept and reported; the local listener speaks no TLS. */
export const certificateMapEntry: ResourceType = {
  token: "gcp:certificatemanager/certificateMapEntry:CertificateMapEntry",
  replaceOn,
  autoName: { property: "name", maxLength: 63 },
  unknownAtPreview: ["createTime", "updateTime"],
  defaults: (_inputs, settings) => ({ project: settings.project }),
  validate,
  id: (inputs, settings) => {
    const project = textOr(inputs, "project", settings.project);
    const map = lastSegment(textOr(inputs, "map", ""));
    return `projects/${project}/locations/global/certificateMaps/${map}/certificateMapEntries/${textOr(inputs, "name", "")}`;
  },
  outputs: (inputs) => ({ ...inputs, state: "ACTIVE" }),
  ...withTimes,
};

function validate(inputs: Properties): readonly CheckFailure[] {
  const given = ["hostname", "matcher"].filter((key) => inputs[key] !== undefined && inputs[key] !== null);
  if (given.length === 1) return [];
  return [{ property: "hostname", reason: "Exactly one of hostname and matcher must be given." }];
}
