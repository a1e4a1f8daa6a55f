import { isUnknown } from "../properties.ts";
import type { CheckFailure, Properties, ProviderSettings, ResourceType } from "../resource-type.ts";
import { object, text, textOr } from "../values.ts";
import { etagOf } from "./gcp-resource.ts";

/** Everything but the etag is ForceNew in terraform-provider-google, tpgiamresource/resource_iam_member.go. */
const replaceOn = ["member", "role", "condition"] as const;

const memberForm =
  /^(?:allUsers|allAuthenticatedUsers|(?:user|group|serviceAccount|domain|projectOwner|projectEditor|projectViewer|principal|principalSet|deleted):.+)$/;

/** A grant of one role to one member on the resource that `target` names: the id's first part and the inputs that make it up. */
export function iamMember(
  token: string,
  target: {
    readonly properties: readonly string[];
    readonly name: (inputs: Properties, settings: ProviderSettings) => string;
    readonly defaults?: (settings: ProviderSettings) => Properties;
  },
): ResourceType {
  return {
    token,
    replaceOn: [...replaceOn, ...target.properties],
    // The policy holds each grant once; to set it again changes nothing.
    createIsIdempotent: true,
    unknownAtPreview: ["etag"],
    defaults: (_inputs, settings) => target.defaults?.(settings) ?? {},
    validate,
    id: (inputs, settings) => {
      const parts = [target.name(inputs, settings), textOr(inputs, "role", ""), textOr(inputs, "member", "")];
      const condition = text(object(inputs, "condition"), "title");
      return [...parts, ...(condition === undefined ? [] : [condition])].join("/");
    },
    outputs: (inputs) => ({ ...inputs, etag: etagOf(inputs) }),
  };
}

function validate(inputs: Properties): readonly CheckFailure[] {
  const failures: CheckFailure[] = [];
  const member = text(inputs, "member");
  if (member !== undefined && !isUnknown(member) && !memberForm.test(member)) {
    failures.push({
      property: "member",
      reason:
        "Must be allUsers, allAuthenticatedUsers, or a kind and a name such as serviceAccount:NAME@PROJECT.iam.gserviceaccount.com.",
    });
  }
  const role = text(inputs, "role");
  if (
    role !== undefined &&
    !isUnknown(role) &&
    !/^(?:roles|projects\/[^/]+\/roles|organizations\/[^/]+\/roles)\/.+$/.test(role)
  ) {
    failures.push({ property: "role", reason: "Must be a role's full name such as roles/run.invoker." });
  }
  return failures;
}
