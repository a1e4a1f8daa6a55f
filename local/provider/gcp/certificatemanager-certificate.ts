import type { CheckFailure, Properties, ResourceType } from "../resource-type.ts";
import { isObject, list, object, textOr } from "../values.ts";

/** ForceNew in terraform-provider-google, services/certificatemanager/resource_certificate_manager_certificate.go. */
const replaceOn = ["name", "project", "location", "scope", "managed"] as const;

/** gcp.certificatemanager.Certificate: counts as issued at once; the local listener speaks no TLS. */
export const certificate: ResourceType = {
  token: "gcp:certificatemanager/certificate:Certificate",
  replaceOn,
  autoName: { property: "name", maxLength: 63 },
  secretOutputs: ["selfManaged.pemPrivateKey", "selfManaged.privateKeyPem"],
  unknownAtPreview: [],
  defaults: (_inputs, settings) => ({ project: settings.project, location: "global", scope: "DEFAULT" }),
  validate,
  id: (inputs, settings) => {
    const project = textOr(inputs, "project", settings.project);
    return `projects/${project}/locations/${textOr(inputs, "location", "global")}/certificates/${textOr(inputs, "name", "")}`;
  },
  outputs: (inputs) => {
    const managed = inputs["managed"];
    return {
      ...inputs,
      ...(isObject(managed) && {
        managed: { ...managed, state: "ACTIVE", authorizationAttemptInfos: [], provisioningIssues: [] },
      }),
      sanDnsnames: [...list(object(inputs, "managed"), "domains")],
    };
  },
};

function validate(inputs: Properties): readonly CheckFailure[] {
  const given = ["managed", "selfManaged"].filter((key) => inputs[key] !== undefined && inputs[key] !== null);
  if (given.length === 1) return [];
  return [{ property: "managed", reason: "Exactly one of managed and selfManaged must be given." }];
}
