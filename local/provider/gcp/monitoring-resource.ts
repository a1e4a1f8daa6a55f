import { createHash } from "node:crypto";
import type { Properties } from "../resource-type.ts";
import { textOr } from "../values.ts";
import { numericId } from "./gcp-resource.ts";

/** What the resources of Cloud Monitoring have in common: their names are numbers that Google gives, not the program. */

/** projects/P/<collection>/<number>, of what the resource was created with. */
export function monitoringName(collection: string, inputs: Properties, project: string): string {
  const digest = createHash("sha256").update(JSON.stringify(inputs)).digest("hex");
  return `projects/${textOr(inputs, "project", project)}/${collection}/${numericId(`${collection} ${digest}`)}`;
}

/** `60s`, `1.5s`: a duration in Google's form. */
export const durationForm = /^\d+(?:\.\d{1,9})?s$/;
