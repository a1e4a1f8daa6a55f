import type { ResourceType } from "../resource-type.ts";
import { lastSegment, textOr } from "../values.ts";
import { iamMember } from "./iam-member.ts";

/** gcp.secretmanager.SecretIamMember: who may read a secret. Kept and reported; locally whoever runs the cloud may read its file. */
export const secretIamMember: ResourceType = iamMember("gcp:secretmanager/secretIamMember:SecretIamMember", {
  properties: ["project", "secretId"],
  defaults: (settings) => ({ project: settings.project }),
  name: (inputs, settings) => {
    const project = textOr(inputs, "project", settings.project);
    return `projects/${project}/secrets/${lastSegment(textOr(inputs, "secretId", ""))}`;
  },
});
