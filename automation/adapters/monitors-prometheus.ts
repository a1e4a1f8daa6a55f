/**
 * Alerting rules of Prometheus, each in its state for one cluster. The rules are read and not only the alerts, which would not tell a rule that is quiet
 * from one that failed. Silences are Alertmanager's, which is not asked: none is muted.
 */
import { z } from "zod";
import type { Monitor, MonitorScope, MonitorState, Monitors } from "../ports/monitors.ts";
import { type PrometheusOptions, prometheusApi } from "./prometheus-api.ts";
import { misunderstood } from "./prometheus-replies.ts";

const labels = z.record(z.string(), z.string()).default({});
const ruleSchema = z.object({
  name: z.string(),
  type: z.string(),
  /** ok, unknown (not evaluated yet), err */
  health: z.string(),
  labels,
  alerts: z.array(z.object({ labels, state: z.string() })).default([]),
});
type AlertRule = z.infer<typeof ruleSchema>;
const rulesSchema = z.object({
  status: z.literal("success"),
  data: z.object({ groups: z.array(z.object({ rules: z.array(ruleSchema) })) }),
});

/** A rule that has to have data carries the label guard="required". */
const isRequired = (rule: AlertRule): boolean => rule.labels["guard"] === "required";

/** Errors: invalid-config, credentials-over-http. */
export function createPrometheusMonitors(options: PrometheusOptions): Monitors {
  const { description, get } = prometheusApi(options);
  return {
    description: `alerting rules of ${description}`,
    async inScope(scope, signal) {
      const parsed = rulesSchema.safeParse(await get("api/v1/rules", { type: "alert" }, signal));
      if (!parsed.success) throw misunderstood(parsed.error, description);
      const rules = parsed.data.data.groups.flatMap((group) => group.rules).filter(({ type }) => type === "alerting");
      return rules.flatMap((rule) => monitorIn(rule, scope));
    },
  };
}

function monitorIn(rule: AlertRule, { clusterName }: MonitorScope): readonly Monitor[] {
  const required = isRequired(rule);
  const belongs = (all: Readonly<Record<string, string>>): boolean =>
    all["cluster"] === clusterName || (required && all["cluster"] === undefined);
  // A rule of another cluster is none of this one's.
  if (rule.labels["cluster"] !== undefined && rule.labels["cluster"] !== clusterName) return [];
  const alerts = rule.alerts.filter((alert) => belongs(alert.labels));
  if (!required && alerts.length === 0 && rule.labels["cluster"] === undefined) return [];
  return [{ name: rule.name.slice(0, 500), state: stateOf(rule, alerts), required, muted: false }];
}

function stateOf({ health }: AlertRule, alerts: AlertRule["alerts"]): MonitorState {
  if (alerts.some(({ state }) => state === "firing")) return "Alert";
  if (health === "err") return "No Data";
  if (health !== "ok") return "Unknown";
  return alerts.some(({ state }) => state === "pending") ? "Warn" : "OK";
}
