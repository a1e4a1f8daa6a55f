import { createHash } from "node:crypto";
import type { SecretReferences } from "../shared/secrets.ts";

/** What the Secret Manager add-on's driver mounts: a file for each variable, with the version's content. */
export function secretClass(secrets: SecretReferences) {
  const files = Object.entries(secrets)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([variable, reference]) => ({ resourceName: reference, path: variable }));
  // The driver reads YAML, of which JSON is a part.
  const text = JSON.stringify(files);
  return {
    apiVersion: "secrets-store.csi.x-k8s.io/v1",
    kind: "SecretProviderClass",
    // Another list has another name, so that a change rolls the pods, and the old ones keep theirs until they are gone.
    name: `agent-${createHash("sha256").update(text).digest("hex").slice(0, 10)}`,
    spec: { provider: "gke", parameters: { secrets: text } },
  };
}
