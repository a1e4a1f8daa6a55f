import { AlertPolicy, type AlertPolicyArgs } from "@pulumi/gcp/monitoring/alertPolicy.js";
import { Dashboard, type DashboardArgs } from "@pulumi/gcp/monitoring/dashboard.js";
import { UptimeCheckConfig, type UptimeCheckConfigArgs } from "@pulumi/gcp/monitoring/uptimeCheckConfig.js";
import type { ComponentResourceOptions, Output } from "@pulumi/pulumi";
import { prefixForm, prefixPattern } from "../shared/naming.ts";
import { SwitchyardComponent, type Transform } from "../shared/switchyard-component.ts";
import { checkPattern, rejectProblems } from "../shared/validation.ts";
import { alertPolicies } from "./alert-policies.ts";
import { dashboardDocument } from "./dashboard.ts";
import {
  errorPercentDefault,
  type MonitoringSettings,
  monitoredPlatforms,
  monitoringRanges,
  monitoringSettingProblems,
  uptimePeriodDefault,
} from "./settings.ts";

export interface AgentMonitoringArgs {
  /** First part of every name that is watched, 1-20 lower-case letters, digits and hyphens. */
  readonly prefix: string;
  /** Project. A change replaces everything. */
  readonly project: string;
  /** Host of the agent. A change replaces the uptime check. */
  readonly domain: string;
  /** Platforms that may serve, both of them by default: a swap changes which one does, and both are watched before. */
  readonly platforms?: readonly string[];
  /**
   * Channels that are told, by full name (projects/P/notificationChannels/N). They exist already: where they send to, and with
   * what secret, is in none of our settings. Default none; alerts are then seen in the console only.
   */
  readonly notificationChannels?: readonly string[];
  /** Share of server errors of a side, in percent, above which is alerted. Default 5, above 0, at most 100. */
  readonly errorPercent?: number;
  /** p95 of a side's latency above which is alerted, in ms. Default 10,000. */
  readonly latencyMilliseconds?: number;
  /** Users' requests a minute below which is alerted; 0 never. Default 1. */
  readonly requestsPerMinute?: number;
  /** Between two looks of the uptime check from one place: 60, 300, 600 or 900 s. Default 60. A change replaces the check. */
  readonly uptimePeriodSeconds?: number;
  /** Instances that Cloud Run may have per revision: the platform's own `maxInstances`. Default 100. */
  readonly maxInstances?: number;
  /** The way to reach what the args do not offer, by resource; functions see the child's name. */
  readonly transform?: {
    readonly uptimeCheck?: Transform<UptimeCheckConfigArgs>;
    readonly dashboard?: Transform<DashboardArgs>;
    readonly alertPolicy?: Transform<AlertPolicyArgs>;
  };
}

/**
 * What watches the agent from Google's side: an uptime check on the agent's host, a dashboard of both sides, and alert policies.
 * It reads metrics by name and needs neither platform to be up; it goes on while a swap changes which one is.
 *
 * @example
 * const monitoring = new AgentMonitoring("monitoring", {
 *   prefix: "kiro", project: "my-project", domain: "agent.example.com",
 *   notificationChannels: ["projects/my-project/notificationChannels/1234567890"],
 * });
 * export const dashboard = monitoring.dashboardId;
 */
export class AgentMonitoring extends SwitchyardComponent {
  /** Id of the uptime check, the label check_id of its metrics. */
  readonly uptimeCheckId: Output<string>;
  /** projects/P/dashboards/D */
  readonly dashboardId: Output<string>;
  /** Full name of each alert policy, by what it watches. */
  readonly alertPolicies: Readonly<Record<string, Output<string>>>;

  constructor(name: string, args: AgentMonitoringArgs, opts: ComponentResourceOptions = {}) {
    const settings = withDefaults(args);
    rejectProblems(`switchyard:observability:AgentMonitoring ${name}`, [
      ...checkPattern("prefix", args.prefix, prefixPattern, prefixForm),
      ...monitoringSettingProblems(settings),
    ]);
    super("switchyard:observability:AgentMonitoring", name, opts);
    const { transform } = args;
    const { project } = settings;

    const uptimeCheck = this.child(UptimeCheckConfig, "uptime", uptimeCheckArgs(settings), {
      transform: transform?.uptimeCheck,
    });
    const dashboard = this.child(
      Dashboard,
      "dashboard",
      {
        project,
        dashboardJson: uptimeCheck.uptimeCheckId.apply((id) => JSON.stringify(dashboardDocument(settings, id))),
      },
      { transform: transform?.dashboard },
    );
    const policies = alertPolicies(settings, uptimeCheck.uptimeCheckId).map(({ suffix, args: policyArgs }) => ({
      suffix,
      resource: this.child(AlertPolicy, suffix, policyArgs, { transform: transform?.alertPolicy }),
    }));

    this.uptimeCheckId = uptimeCheck.uptimeCheckId;
    this.dashboardId = dashboard.id;
    this.alertPolicies = Object.fromEntries(policies.map(({ suffix, resource }) => [suffix, resource.name]));
    this.registerOutputs({
      uptimeCheckId: this.uptimeCheckId,
      dashboardId: this.dashboardId,
      alertPolicies: this.alertPolicies,
    });
  }
}

/** The agent's health through the balancer, as users reach it: no credential, and a certificate that holds. */
function uptimeCheckArgs(settings: MonitoringSettings): UptimeCheckConfigArgs {
  const { prefix, project, domain, uptimePeriodSeconds } = settings;
  return {
    displayName: `${prefix}: ${domain}`,
    project,
    monitoredResource: { type: "uptime_url", labels: { project_id: project, host: domain } },
    httpCheck: { path: "/health", port: 443, requestMethod: "GET", useSsl: true, validateSsl: true },
    period: `${uptimePeriodSeconds}s`,
    timeout: "10s",
    userLabels: { "managed-by": "switchyard", agent: prefix },
  };
}

function withDefaults(args: AgentMonitoringArgs): MonitoringSettings {
  return {
    prefix: args.prefix,
    project: args.project,
    domain: args.domain,
    platforms: args.platforms ?? monitoredPlatforms,
    notificationChannels: args.notificationChannels ?? [],
    errorPercent: args.errorPercent ?? errorPercentDefault,
    latencyMilliseconds: args.latencyMilliseconds ?? monitoringRanges.latencyMilliseconds.default,
    requestsPerMinute: args.requestsPerMinute ?? monitoringRanges.requestsPerMinute.default,
    uptimePeriodSeconds: args.uptimePeriodSeconds ?? uptimePeriodDefault,
    maxInstances: args.maxInstances ?? monitoringRanges.maxInstances.default,
  };
}
