import { createHash } from "node:crypto";
import { isUnknown, UNKNOWN } from "../properties.ts";
import type { Properties, ResourceType } from "../resource-type.ts";
import { textOr } from "../values.ts";
import { breaks } from "./gcp-resource.ts";

/** ForceNew in terraform-provider-google, services/certificatemanager/resource_certificate_manager_dns_authorization.go. */
const replaceOn = ["name", "project", "location", "domain", "type"] as const;

/** gcp.certificatemanager.DnsAuthorization: gives the record to make; nobody looks for it here. */
export const dnsAuthorization: ResourceType = {
  token: "gcp:certificatemanager/dnsAuthorization:DnsAuthorization",
  replaceOn,
  autoName: { property: "name", maxLength: 63 },
  unknownAtPreview: ["dnsResourceRecords"],
  defaults: (_inputs, settings) => ({ project: settings.project, location: "global" }),
  validate: (inputs) =>
    breaks(/^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)+$/, inputs["domain"])
      ? [{ property: "domain", reason: "Must be a domain name such as agent.example.com, without a wildcard." }]
      : [],
  id: (inputs, settings) => {
    const project = textOr(inputs, "project", settings.project);
    return `projects/${project}/locations/${textOr(inputs, "location", "global")}/dnsAuthorizations/${textOr(inputs, "name", "")}`;
  },
  outputs: (inputs, id) => ({ type: "FIXED_RECORD", ...inputs, dnsResourceRecords: records(inputs, id) }),
};

function records(inputs: Properties, id: string): Properties[] | string {
  const domain = textOr(inputs, "domain", "");
  if (isUnknown(domain)) return UNKNOWN;
  const token = createHash("sha256").update(`${id} ${domain}`).digest("hex").slice(0, 32);
  const data = `${token}.0.authorize.certificatemanager.goog.`;
  return [{ name: `_acme-challenge.${domain}.`, type: "CNAME", data }];
}
