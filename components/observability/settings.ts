import { nearestName } from "../shared/nearest-name.ts";
import {
  checkDistinct,
  checkInteger,
  checkPattern,
  hiddenValue,
  type Problem,
  type Range,
} from "../shared/validation.ts";
import { trafficRanges } from "../traffic/settings.ts";

/** What is watched and when it is said; what each setting means stands at AgentMonitoringArgs. */
export interface MonitoringSettings {
  readonly prefix: string;
  readonly project: string;
  readonly domain: string;
  readonly platforms: readonly string[];
  readonly notificationChannels: readonly string[];
  readonly errorPercent: number;
  readonly latencyMilliseconds: number;
  readonly requestsPerMinute: number;
  readonly uptimePeriodSeconds: number;
  readonly maxInstances: number;
}

/** Platforms that have something of their own to show. */
export const monitoredPlatforms: readonly string[] = ["cloud-run", "gke"];

/** Defaults and ranges. */
export const monitoringRanges = {
  latencyMilliseconds: { default: 10_000, min: 1, max: trafficRanges.requestTimeoutSeconds.max * 1_000, unit: "ms" },
  requestsPerMinute: { default: 1, min: 0, max: 1_000_000, unit: "requests/min" },
  maxInstances: { default: 100, min: 1, max: 1000, unit: "instances" },
} as const satisfies Record<string, Range>;

export const errorPercentDefault = 5;
export const errorPercentForm = `a number above 0, at most 100 (default ${errorPercentDefault})`;

/** What Cloud Monitoring takes as a check's period (its reference, UptimeCheckConfig.period). */
const uptimePeriods: readonly number[] = [60, 300, 600, 900];
export const uptimePeriodDefault = 60;
export const uptimePeriodForm = `${uptimePeriods.join(", ")} s (default ${uptimePeriodDefault})`;

/** A channel's full name, as Cloud Monitoring gives it; where it sends to, and with what secret, stays there. */
const channelPattern = /^projects\/[^/\s]+\/notificationChannels\/[^/\s]+$/;
const channelForm = "a channel's full name, for example projects/my-project/notificationChannels/1234567890";
const hostPattern = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/;

/** All problems of the settings; empty when they are right. */
export function monitoringSettingProblems(settings: MonitoringSettings): Problem[] {
  const { errorPercent, uptimePeriodSeconds } = settings;
  return [
    ...checkPattern("domain", settings.domain, hostPattern, "a host name in lower case, for example agent.example.com"),
    ...checkDistinct("platforms", settings.platforms, 1),
    ...settings.platforms.flatMap(platformProblems),
    ...checkDistinct("notificationChannels", settings.notificationChannels, 0),
    // What stands there instead may be a webhook's address, which is a secret.
    ...settings.notificationChannels.flatMap((channel, index) =>
      channelPattern.test(channel)
        ? []
        : [{ path: `notificationChannels[${index}]`, value: hiddenValue, allowed: channelForm }],
    ),
    ...(errorPercent > 0 && errorPercent <= 100
      ? []
      : [{ path: "errorPercent", value: errorPercent, allowed: errorPercentForm }]),
    ...checkInteger("latencyMilliseconds", settings.latencyMilliseconds, monitoringRanges.latencyMilliseconds),
    ...checkInteger("requestsPerMinute", settings.requestsPerMinute, monitoringRanges.requestsPerMinute),
    ...(uptimePeriods.includes(uptimePeriodSeconds)
      ? []
      : [{ path: "uptimePeriodSeconds", value: uptimePeriodSeconds, allowed: uptimePeriodForm }]),
    ...checkInteger("maxInstances", settings.maxInstances, monitoringRanges.maxInstances),
  ];
}

function platformProblems(platform: string, index: number): readonly Problem[] {
  if (monitoredPlatforms.includes(platform)) return [];
  const nearest = nearestName(platform, monitoredPlatforms);
  const hint = nearest === undefined ? "" : `; did you mean ${nearest}?`;
  return [{ path: `platforms[${index}]`, value: platform, allowed: `${monitoredPlatforms.join(" or ")}${hint}` }];
}
