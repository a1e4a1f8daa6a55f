import type { ResourceType } from "../resource-type.ts";
import { lastSegment, textOr } from "../values.ts";
import { iamMember } from "./iam-member.ts";

/** gcp.cloudrunv2.ServiceIamMember: who may call a service. Kept and reported; the local router asks for no token. */
export const cloudRunServiceIamMember: ResourceType = iamMember("gcp:cloudrunv2/serviceIamMember:ServiceIamMember", {
  properties: ["project", "location", "name"],
  defaults: (settings) => ({ project: settings.project, location: settings.region }),
  name: (inputs, settings) => {
    const project = textOr(inputs, "project", settings.project);
    const location = textOr(inputs, "location", settings.region);
    return `projects/${project}/locations/${location}/services/${lastSegment(textOr(inputs, "name", ""))}`;
  },
});
