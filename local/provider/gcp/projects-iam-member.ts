import type { ResourceType } from "../resource-type.ts";
import { textOr } from "../values.ts";
import { iamMember } from "./iam-member.ts";

/** gcp.projects.IAMMember: a role on a project. */
export const projectIamMember: ResourceType = iamMember("gcp:projects/iAMMember:IAMMember", {
  properties: ["project"],
  name: (inputs) => textOr(inputs, "project", ""),
});
