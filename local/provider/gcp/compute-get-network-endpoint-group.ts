import { zonalGroupPath } from "../../compute/backend-services.ts";
import type { ZonalEndpointGroup } from "../../compute/compute.ts";
import { endpointGroupFilter } from "../../compute/endpoint-group-filter.ts";
import { GoogleError } from "../../compute/google-error.ts";
import { partialPath, selfLink } from "../../compute/references.ts";
import type { Properties } from "../../compute/resources.ts";
import { numericId } from "../../compute/url-maps.ts";
import type { InvokeFunction } from "../resource-type.ts";
import { text, textOr } from "../values.ts";
import { calling } from "./compute-resource.ts";

/** One zonal group by name and zone, or by its link. */
export const getNetworkEndpointGroup: InvokeFunction = {
  token: "gcp:compute/getNetworkEndpointGroup:getNetworkEndpointGroup",
  async invoke(args, context) {
    const project = textOr(args, "project", context.settings.project);
    const link = text(args, "selfLink");
    const name = text(args, "name");
    if (link === undefined && name === undefined) {
      return { failures: [{ property: "name", reason: "one of name and selfLink must be given" }] };
    }
    const path =
      link === undefined
        ? zonalGroupPath(project, textOr(args, "zone", context.settings.zone), name ?? "")
        : partialPath(link, project);
    const result = await calling(`Error when reading or editing NetworkEndpointGroup "${path}"`, () => {
      const group = context.cloud.compute
        .endpointGroups(/^projects\/([^/]+)\//.exec(path)?.[1] ?? project)
        .find((other) => zonalGroupPath(other.project, other.zone, other.name) === path);
      if (group === undefined) throw new GoogleError(404, "notFound", `The resource '${path}' was not found`);
      return describe(group);
    });
    return { result };
  },
};

/** The zonal groups of one zone. */
export const getNetworkEndpointGroups: InvokeFunction = {
  token: "gcp:compute/getNetworkEndpointGroups:getNetworkEndpointGroups",
  async invoke(args, context) {
    const project = textOr(args, "project", context.settings.project);
    const zone = textOr(args, "zone", context.settings.zone);
    const filter = text(args, "filter");
    const groups = await calling("Error retrieving NetworkEndpointGroups", () =>
      context.cloud.compute
        .endpointGroups(project)
        .filter((group) => group.zone === zone)
        .filter(endpointGroupFilter(filter ?? null)),
    );
    return {
      result: {
        id: `projects/${project}/zones/${zone}/networkEndpointGroups`,
        project,
        zone,
        ...(filter === undefined ? {} : { filter }),
        networkEndpointGroups: groups.map(describe),
      },
    };
  },
};

function describe(group: ZonalEndpointGroup): Properties {
  const path = zonalGroupPath(group.project, group.zone, group.name);
  return {
    id: path,
    name: group.name,
    project: group.project,
    zone: group.zone,
    selfLink: selfLink(path),
    networkEndpointType: "GCE_VM_IP_PORT",
    size: group.size,
    generatedId: Number(numericId(path)),
    defaultPort: 0,
    deletionPolicy: "",
    description: "",
    network: "",
    subnetwork: "",
  };
}
