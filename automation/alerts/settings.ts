/**
 * Who is told of what (`environments.X.alerts`). Names of YAML are in snake_case; inside they are camelCase with times in ms.
 * Addresses that let anybody write are secrets: the file says where they are, never what they are.
 */
import { z } from "zod";
import { moduleEntry } from "../module-entry.ts";
import { type Severity, severities } from "../ports/notifier.ts";
import { secretFrom } from "../secret-place.ts";

const shared = {
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,40}$/, "must be lower-case letters, digits and hyphens")
    .describe("Name in reports, unique."),
  severities: z
    .array(z.enum(severities))
    .min(1)
    .default(["warning", "critical"])
    .describe("Severities that it is told of. Default warning and critical."),
  tier: z
    .number()
    .int()
    .min(1)
    .max(9)
    .default(1)
    .describe("1 is told at once, the next one when a critical alert has not ended within escalate_after. Default 1."),
};

const target = z.discriminatedUnion("kind", [
  z
    .strictObject({
      ...shared,
      kind: z.literal("webhook"),
      url_from: secretFrom("the URL"),
      secret_from: secretFrom("the key of the signature").optional(),
    })
    .describe("Any server that takes JSON by POST."),
  z
    .strictObject({ ...shared, kind: z.literal("slack"), url_from: secretFrom("the incoming webhook's URL") })
    .describe("Slack, by an incoming webhook."),
  z
    .strictObject({
      ...shared,
      kind: z.literal("pagerduty"),
      routing_key_from: secretFrom("the integration's routing key"),
      region: z.enum(["us", "eu"]).default("us").describe("Region of the PagerDuty account. Default us."),
    })
    .describe("PagerDuty, by its Events API v2."),
  z
    .strictObject({ ...shared, kind: z.literal("module"), ...moduleEntry })
    .describe("Code of one's own: a class or object with notify(notice, signal), or that function."),
]);

const silence = z.strictObject({
  code: z.string().min(1).optional().describe("Only alerts of this code."),
  platform: z.string().min(1).optional().describe("Only alerts of this platform."),
  until: z.iso.datetime({ offset: true }).describe("When it ends, for example 2027-01-03T00:00:00+01:00."),
  why: z.string().min(1).max(300).describe("Why, for those who read the list."),
});

export const alertsConfig = z
  .strictObject({
    targets: z.array(target).max(20).default([]).describe("Who is told. Default nobody: alerts are kept and listed."),
    dedup_window: z
      .number()
      .min(0)
      .max(86_400)
      .default(300)
      .describe(
        "Seconds in which an open alert that comes again is not told again; one that comes back more than 3 times in it flaps. Default 300, up to a day.",
      ),
    escalate_after: z
      .number()
      .min(0)
      .max(86_400)
      .default(900)
      .describe(
        "Seconds after which a critical alert that has not ended goes to the next tier. Default 900, 0: never.",
      ),
    repeat_after: z
      .number()
      .min(0)
      .max(604_800)
      .default(3_600)
      .describe("Seconds after which one that has not ended is told again. Default 3600, up to a week, 0: never."),
    silences: z
      .array(silence)
      .max(50)
      .default([])
      .describe("Times in which alerts are kept and not told; `switchyard alert silence` makes others. Default none."),
  })
  .superRefine(({ targets }, context) => {
    for (const [index, { name }] of targets.entries()) {
      if (targets.findIndex((other) => other.name === name) < index)
        context.addIssue({
          code: "custom",
          path: ["targets", index, "name"],
          message: "is used by another target already",
        });
    }
  })
  .prefault({})
  .describe("Who is told when a swap fails, waits or goes back.");

export type AlertsConfig = z.infer<typeof alertsConfig>;

export interface TargetSettings {
  readonly name: string;
  readonly severities: readonly Severity[];
  readonly tier: number;
}

/** A silence that the file declares. */
export interface DeclaredSilence {
  readonly code?: string | undefined;
  readonly platform?: string | undefined;
  readonly until: number;
  readonly why: string;
}

export interface AlertSettings {
  readonly targets: readonly TargetSettings[];
  readonly dedupMs: number;
  /** 0: never. */
  readonly escalateMs: number;
  /** 0: never. */
  readonly repeatMs: number;
  readonly silences: readonly DeclaredSilence[];
}

export function toAlertSettings(config: AlertsConfig): AlertSettings {
  return {
    targets: config.targets.map(({ name, severities: told, tier }) => ({ name, severities: told, tier })),
    dedupMs: config.dedup_window * 1_000,
    escalateMs: config.escalate_after * 1_000,
    repeatMs: config.repeat_after * 1_000,
    silences: config.silences.map(({ until, ...rest }) => ({ ...rest, until: Date.parse(until) })),
  };
}
