import type { ResourceType } from "../resource-type.ts";
import { textOr } from "../values.ts";
import { iamMember } from "./iam-member.ts";

/** gcp.serviceaccount.IAMMember: who may act as a service account. */
export const serviceAccountIamMember: ResourceType = iamMember("gcp:serviceaccount/iAMMember:IAMMember", {
  properties: ["serviceAccountId"],
  name: (inputs) => textOr(inputs, "serviceAccountId", ""),
});
