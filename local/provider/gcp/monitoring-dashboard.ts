import { isUnknown } from "../properties.ts";
import type { CheckFailure, PropertyValue, ResourceType } from "../resource-type.ts";
import { monitoringName } from "./monitoring-resource.ts";

/** ForceNew in terraform-provider-google, services/monitoring/resource_monitoring_dashboard.go. */
const replaceOn = ["project"] as const;

/** projects.dashboards of the Cloud Monitoring API: at most one of these. */
const layouts = ["gridLayout", "mosaicLayout", "rowLayout", "columnLayout"] as const;

/** gcp.monitoring.Dashboard: checked, kept and reported; nobody draws it here. */
export const dashboard: ResourceType = {
  token: "gcp:monitoring/dashboard:Dashboard",
  replaceOn,
  unknownAtPreview: [],
  defaults: (_inputs, settings) => ({ project: settings.project }),
  validate: (inputs) => documentProblems(inputs["dashboardJson"]),
  id: (inputs, settings) => monitoringName("dashboards", inputs, settings.project),
  outputs: (inputs) => ({ ...inputs }),
};

function documentProblems(value: PropertyValue | undefined): readonly CheckFailure[] {
  if (typeof value !== "string" || isUnknown(value)) return [];
  const failure = (reason: string): readonly CheckFailure[] => [{ property: "dashboardJson", reason }];
  let document: unknown;
  try {
    document = JSON.parse(value);
  } catch (error) {
    return failure(`Is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof document !== "object" || document === null || Array.isArray(document))
    return failure("Must be an object.");
  const fields = new Map<string, unknown>(Object.entries(document));
  if (typeof fields.get("displayName") !== "string") return failure("Must have a displayName.");
  return layouts.filter((name) => fields.has(name)).length <= 1 ? [] : failure("Must have at most one layout.");
}
