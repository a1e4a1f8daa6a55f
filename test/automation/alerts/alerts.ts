/** Alerts and settings that the tests of this folder begin with. */
import { type AlertInput, raise } from "../../../automation/alerts/alert.ts";
import type { AlertSettings } from "../../../automation/alerts/settings.ts";
import type { Alert } from "../../../automation/ports/notifier.ts";

export const minute = 60_000;
export const t0 = Date.UTC(2026, 10, 30, 12);

export const settings: AlertSettings = {
  targets: [
    { name: "team", severities: ["warning", "critical"], tier: 1 },
    { name: "on-call", severities: ["critical"], tier: 2 },
  ],
  dedupMs: 5 * minute,
  escalateMs: 15 * minute,
  repeatMs: 60 * minute,
  silences: [],
};

export function alert(more: Partial<Alert> = {}): Alert {
  return {
    code: "candidate-errors",
    severity: "critical",
    environment: "prod",
    platform: "gke",
    swap: "3",
    title: "Swap 3 goes back",
    detail: "",
    next: ["look"],
    at: t0,
    dedupKey: "prod/swap/3/candidate-errors/1",
    ...more,
  };
}

export function raised(more: Partial<Alert> = {}): AlertInput {
  return raise(alert(more), "returned");
}
