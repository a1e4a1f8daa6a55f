import type { CheckFailure, Properties, ResourceType } from "../resource-type.ts";
import { object, text } from "../values.ts";
import { breaks } from "./gcp-resource.ts";
import { durationForm, monitoringName } from "./monitoring-resource.ts";

/** ForceNew in terraform-provider-google, services/monitoring/resource_monitoring_uptime_check_config.go. */
const replaceOn = [
  "project",
  "period",
  "checkerType",
  "monitoredResource",
  "resourceGroup",
  "httpCheck.requestMethod",
  "syntheticMonitor",
] as const;

const periods = /^(?:60|300|600|900)s$/;
const places = ["monitoredResource", "resourceGroup", "syntheticMonitor"] as const;

/** gcp.monitoring.UptimeCheckConfig: checked, kept and reported; nobody looks from anywhere here. */
export const uptimeCheckConfig: ResourceType = {
  token: "gcp:monitoring/uptimeCheckConfig:UptimeCheckConfig",
  replaceOn,
  unknownAtPreview: ["name", "uptimeCheckId"],
  defaults: (_inputs, settings) => ({ project: settings.project, period: "300s", checkerType: "STATIC_IP_CHECKERS" }),
  validate,
  id: (inputs, settings) => monitoringName("uptimeCheckConfigs", inputs, settings.project),
  outputs: (inputs, id) => ({ ...inputs, name: id, uptimeCheckId: id.slice(id.lastIndexOf("/") + 1) }),
};

function validate(inputs: Properties): readonly CheckFailure[] {
  const failures: CheckFailure[] = [];
  const given = places.filter((place) => inputs[place] !== undefined);
  if (given.length !== 1)
    failures.push({ property: "monitoredResource", reason: `Exactly one of ${places.join(", ")} is needed.` });
  if (breaks(periods, inputs["period"]))
    failures.push({ property: "period", reason: "Must be 60s, 300s, 600s or 900s." });
  const timeout = text(inputs, "timeout");
  if (breaks(durationForm, timeout) || (timeout !== undefined && Number.parseFloat(timeout) > 60))
    failures.push({ property: "timeout", reason: "Must be 1s to 60s." });
  const resource = object(inputs, "monitoredResource");
  if (text(resource, "type") === "uptime_url" && object(resource, "labels")["host"] === undefined)
    failures.push({ property: "monitoredResource.labels", reason: "uptime_url needs the label host." });
  return failures;
}
