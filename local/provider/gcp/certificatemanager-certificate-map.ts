import type { ResourceType } from "../resource-type.ts";
import { textOr } from "../values.ts";
import { refuseWhenInUse, withTimes } from "./gcp-resource.ts";

/** ForceNew in terraform-provider-google, services/certificatemanager/resource_certificate_manager_certificate_map.go. */
const replaceOn = ["name", "project"] as const;

/** gcp.certificatemanager.CertificateMap: kept and reported; the local listener speaks no TLS. */
export const certificateMap: ResourceType = {
  token: "gcp:certificatemanager/certificateMap:CertificateMap",
  replaceOn,
  autoName: { property: "name", maxLength: 63 },
  unknownAtPreview: ["createTime", "updateTime"],
  defaults: (_inputs, settings) => ({ project: settings.project }),
  id: (inputs, settings) => {
    const project = textOr(inputs, "project", settings.project);
    return `projects/${project}/locations/global/certificateMaps/${textOr(inputs, "name", "")}`;
  },
  outputs: (inputs) => ({ ...inputs, gclbTargets: [] }),
  ...withTimes,
  delete: async (state, context) => refuseWhenInUse(state, "certificateMap", context.cloud),
};
