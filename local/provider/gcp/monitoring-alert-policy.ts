import { UNKNOWN } from "../properties.ts";
import type { CheckFailure, Properties, ResourceType } from "../resource-type.ts";
import { isObject, list, text } from "../values.ts";
import { breaks } from "./gcp-resource.ts";
import { durationForm, monitoringName } from "./monitoring-resource.ts";

/** ForceNew in terraform-provider-google, services/monitoring/resource_monitoring_alert_policy.go. */
const replaceOn = ["project"] as const;

/** AlertPolicy.Condition: exactly one of these. */
const conditionKinds = [
  "conditionAbsent",
  "conditionMatchedLog",
  "conditionMonitoringQueryLanguage",
  "conditionPrometheusQueryLanguage",
  "conditionSql",
  "conditionThreshold",
] as const;
const combiners = /^(?:AND|OR|AND_WITH_MATCHING_RESOURCE)$/;
const channel = /^projects\/[^/]+\/notificationChannels\/[^/]+$/;

/** gcp.monitoring.AlertPolicy: checked, kept and reported; nothing is measured here, so nothing alerts. */
export const alertPolicy: ResourceType = {
  token: "gcp:monitoring/alertPolicy:AlertPolicy",
  replaceOn,
  unknownAtPreview: ["name", "creationRecords"],
  defaults: (_inputs, settings) => ({ project: settings.project, enabled: true }),
  validate: (inputs) => [
    ...(breaks(combiners, inputs["combiner"])
      ? [{ property: "combiner", reason: "Must be AND, OR or AND_WITH_MATCHING_RESOURCE." }]
      : []),
    ...list(inputs, "conditions").flatMap((condition, index) =>
      isObject(condition) ? conditionProblems(condition, `conditions[${index}]`) : [],
    ),
    ...list(inputs, "notificationChannels").flatMap((name, index) =>
      breaks(channel, name)
        ? [{ property: `notificationChannels[${index}]`, reason: "Must be projects/PROJECT/notificationChannels/ID." }]
        : [],
    ),
  ],
  id: (inputs, settings) => monitoringName("alertPolicies", inputs, settings.project),
  outputs: (inputs, id) => ({ ...inputs, name: id }),
};

function conditionProblems(condition: Properties, path: string): readonly CheckFailure[] {
  const kinds = conditionKinds.filter((kind) => condition[kind] !== undefined);
  if (kinds.length !== 1) {
    return [
      { property: path, reason: `Must have exactly one of ${conditionKinds.join(", ")}; it has ${kinds.length}.` },
    ];
  }
  const [kind] = kinds;
  const body = kind === undefined ? undefined : condition[kind];
  if (!isObject(body)) return [];
  const failures: CheckFailure[] = [];
  if (breaks(durationForm, body["duration"]))
    failures.push({ property: `${path}.${kind}.duration`, reason: "Must be a number of seconds such as 60s." });
  const filter = text(body, "filter");
  if (kind === "conditionThreshold" && filter !== UNKNOWN && !/\bmetric\.type\s*=/.test(filter ?? ""))
    failures.push({ property: `${path}.${kind}.filter`, reason: "Must name a metric.type." });
  return failures;
}
