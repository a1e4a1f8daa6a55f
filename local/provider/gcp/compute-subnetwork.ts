import { isUnknown } from "../properties.ts";
import type { CheckFailure, Properties, ResourceType } from "../resource-type.ts";
import { lastSegment, objects, text, textOr } from "../values.ts";
import {
  breaks,
  computeName,
  computeNameRule,
  etagOf,
  numericId,
  refuseWhenInUse,
  selfLink,
  timestamp,
} from "./gcp-resource.ts";
import { contains, formatAddress, type IpRange, overlap, parseIpRange } from "./ip-range.ts";

/** ForceNew in terraform-provider-google, services/compute/resource_compute_subnetwork.go; ipCidrRange only when it shrinks. */
const replaceOn = ["name", "project", "region", "network", "description", "purpose", "ipCollection", "params"] as const;

/** gcp.compute.Subnetwork: kept and reported; pods have loopback addresses here. */
export const subnetwork: ResourceType = {
  token: "gcp:compute/subnetwork:Subnetwork",
  replaceOn,
  replaceWhen: (olds, news) => (shrinks(olds, news) ? ["ipCidrRange"] : []),
  autoName: { property: "name", maxLength: 63 },
  unknownAtPreview: ["subnetworkId", "creationTimestamp", "fingerprint"],
  defaults: (_inputs, settings) => ({ project: settings.project, region: settings.region }),
  validate,
  id: (inputs, settings) => {
    const project = textOr(inputs, "project", settings.project);
    const region = lastSegment(textOr(inputs, "region", settings.region));
    return `projects/${project}/regions/${region}/subnetworks/${textOr(inputs, "name", "")}`;
  },
  outputs: (inputs, id) => ({
    purpose: "PRIVATE",
    stackType: "IPV4_ONLY",
    privateIpv6GoogleAccess: "DISABLE_GOOGLE_ACCESS",
    deletionPolicy: "DELETE",
    ...inputs,
    network: networkLink(textOr(inputs, "network", ""), id),
    fingerprint: etagOf(inputs),
    gatewayAddress: gatewayOf(inputs),
    ipv6CidrRange: "",
    selfLink: selfLink("compute/v1", id),
    subnetworkId: Number(numericId(id, 15)),
  }),
  create: async (state, context) => ({ ...state.outputs, creationTimestamp: timestamp(context) }),
  delete: async (state, context) => refuseWhenInUse(state, "subnetwork", context.cloud),
};

function validate(inputs: Properties): readonly CheckFailure[] {
  const failures: CheckFailure[] = [];
  if (breaks(computeName, inputs["name"])) failures.push({ property: "name", reason: computeNameRule });
  const seen: { readonly property: string; readonly range: IpRange }[] = [];
  const ranges: (readonly [string, string | undefined])[] = [["ipCidrRange", text(inputs, "ipCidrRange")]];
  objects(inputs, "secondaryIpRanges").forEach((range, i) => {
    ranges.push([`secondaryIpRanges[${i}].ipCidrRange`, text(range, "ipCidrRange")]);
  });
  for (const [property, cidr] of ranges) {
    if (cidr === undefined || isUnknown(cidr)) continue;
    const range = parseIpRange(cidr);
    if (range === undefined) {
      failures.push({ property, reason: `"${cidr}" is not a valid IPv4 range such as 10.0.0.0/20.` });
      continue;
    }
    const other = seen.find((entry) => overlap(entry.range, range));
    if (other !== undefined) failures.push({ property, reason: `The range overlaps ${other.property}.` });
    seen.push({ property, range });
  }
  return failures;
}

function shrinks(olds: Properties, news: Properties): boolean {
  const before = parseIpRange(textOr(olds, "ipCidrRange", ""));
  const after = parseIpRange(textOr(news, "ipCidrRange", ""));
  return before !== undefined && after !== undefined && !contains(after, before);
}

function gatewayOf(inputs: Properties): string {
  const cidr = textOr(inputs, "ipCidrRange", "");
  const range = parseIpRange(cidr);
  return range === undefined ? cidr : formatAddress(range.first + 1);
}

/** Networks may be given by name, id or link; Compute answers with the link. */
function networkLink(given: string, id: string): string {
  if (given.startsWith("https://") || isUnknown(given)) return given;
  const project = id.split("/")[1] ?? "";
  const path = given.includes("/") ? given : `projects/${project}/global/networks/${given}`;
  return selfLink("compute/v1", path);
}
