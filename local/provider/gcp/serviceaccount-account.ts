import type { ResourceType } from "../resource-type.ts";
import { textOr } from "../values.ts";
import { breaks, numericId } from "./gcp-resource.ts";

/** ForceNew in terraform-provider-google, services/resourcemanager/resource_google_service_account.go. */
const replaceOn = ["accountId", "project"] as const;

const accountId = /^[a-z](?:[-a-z0-9]{4,28}[a-z0-9])$/;

/** gcp.serviceaccount.Account: kept and reported; nothing asks for a token here. */
export const serviceAccount: ResourceType = {
  token: "gcp:serviceaccount/account:Account",
  replaceOn,
  autoName: { property: "accountId", maxLength: 30 },
  unknownAtPreview: ["uniqueId"],
  defaults: (_inputs, settings) => ({ project: settings.project, disabled: false }),
  validate: (inputs) =>
    breaks(accountId, inputs["accountId"])
      ? [
          {
            property: "accountId",
            reason:
              "Must be 6 to 30 lower-case letters, digits and hyphens, begin with a letter and not end with a hyphen.",
          },
        ]
      : [],
  id: (inputs, settings) => {
    const project = textOr(inputs, "project", settings.project);
    return `projects/${project}/serviceAccounts/${textOr(inputs, "accountId", "")}@${project}.iam.gserviceaccount.com`;
  },
  outputs: (inputs, id) => {
    const email = id.slice(id.lastIndexOf("/") + 1);
    return { ...inputs, email, member: `serviceAccount:${email}`, name: id, uniqueId: numericId(id, 21) };
  },
};
