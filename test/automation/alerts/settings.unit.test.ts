import { describe, expect, it } from "vitest";
import { alertsConfig, toAlertSettings } from "../../../automation/alerts/settings.ts";
import { parseConfig } from "../../../automation/cli/config-file.ts";
import { SwitchyardError } from "../../../automation/errors.ts";

function problemsOf(alerts: string): readonly string[] {
  try {
    parseConfig(`environments:\n  local:\n    cloud: local\n    alerts: ${alerts}\n`);
  } catch (error) {
    if (error instanceof SwitchyardError) return error.message.split("\n").slice(1);
    throw error;
  }
  return [];
}

describe("the settings of alerts", () => {
  it("name targets by where their secrets are", () => {
    expect(
      problemsOf(`{targets: [
        {name: team, kind: slack, url_from: SLACK_WEBHOOK_URL},
        {name: on-call, kind: pagerduty, routing_key_from: "file:keys/pagerduty", severities: [critical], tier: 2, region: eu},
        {name: log, kind: webhook, url_from: "secret-manager:projects/p/secrets/hook", secret_from: "secret-manager:projects/p/secrets/key/versions/3"},
        {name: board, kind: module, module: ./alerts/board.ts, class: Board, options: {room: mesh}}]}`),
    ).toEqual([]);
  });

  it("refuse a secret itself without repeating it, with all other problems at once", () => {
    const problems = problemsOf(`{dedup_window: -1, targets: [
      {name: team, kind: slack, url_from: "https://hooks.example.com/s3cret"},
      {name: team, kind: pagerduty, routing_key_from: s3cret-routing-key, tier: 0},
      {name: Odd, kind: mail},
      {name: board, kind: module, options: []}]}`);
    const text = problems.join("\n");
    expect(text).not.toContain("s3cret");
    for (const path of [
      "dedup_window",
      "targets[0].url_from: (not shown)",
      "targets[1].routing_key_from: (not shown)",
      "targets[1].tier",
      "targets[2].kind",
      "targets[3].module",
      "targets[3].options",
    ])
      expect(text).toContain(`environments.local.alerts.${path}`);
  });

  it("refuse two targets of one name", () => {
    const one = "{name: team, kind: slack, url_from: SLACK_WEBHOOK_URL}";
    expect(problemsOf(`{targets: [${one}, ${one}]}`).join()).toContain("is used by another target already");
  });

  it("are seconds in the file and ms inside", () => {
    const config = alertsConfig.parse({
      dedup_window: 1,
      escalate_after: 2,
      repeat_after: 3,
      silences: [{ until: "2027-01-03T00:00:00+01:00", why: "holidays" }],
    });
    expect(toAlertSettings(config)).toEqual({
      targets: [],
      dedupMs: 1_000,
      escalateMs: 2_000,
      repeatMs: 3_000,
      silences: [{ until: Date.UTC(2027, 0, 2, 23), why: "holidays" }],
    });
  });
});
