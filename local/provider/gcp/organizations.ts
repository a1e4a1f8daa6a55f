import type { InvokeFunction } from "../resource-type.ts";
import { textOr } from "../values.ts";
import { numericId } from "./gcp-resource.ts";

/** gcp.organizations.getProject: the local cloud has one project per name, made on first use. */
export const getProject: InvokeFunction = {
  token: "gcp:organizations/getProject:getProject",
  invoke: async (args, context) => {
    const projectId = textOr(args, "projectId", context.settings.project);
    return {
      result: {
        id: `projects/${projectId}`,
        projectId,
        name: projectId,
        number: numericId(`projects/${projectId}`, 12),
        autoCreateNetwork: true,
        billingAccount: "",
        deletionPolicy: "PREVENT",
        effectiveLabels: {},
        folderId: "",
        labels: {},
        orgId: "",
        pulumiLabels: {},
        tags: {},
      },
    };
  },
};

/** gcp.organizations.getClientConfig: what the provider is configured with. There is no token to give: nothing local asks for one. */
export const getClientConfig: InvokeFunction = {
  token: "gcp:organizations/getClientConfig:getClientConfig",
  invoke: async (_args, context) => {
    const { project, region, zone, labels } = context.settings;
    return {
      result: {
        id: `projects/${project}/regions/${region}/zones/${zone}`,
        project,
        region,
        zone,
        accessToken: "",
        defaultLabels: { ...labels },
      },
    };
  },
};
