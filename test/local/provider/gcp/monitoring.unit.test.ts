import { describe, expect, test } from "vitest";
import { alertPolicy } from "../../../../local/provider/gcp/monitoring-alert-policy.ts";
import { dashboard } from "../../../../local/provider/gcp/monitoring-dashboard.ts";
import { uptimeCheckConfig } from "../../../../local/provider/gcp/monitoring-uptime-check-config.ts";
import { UNKNOWN } from "../../../../local/provider/properties.ts";
import type { Properties, ResourceType } from "../../../../local/provider/resource-type.ts";

const settings = { project: "p1", region: "r1", zone: "r1-a", cluster: undefined };
const failures = (type: ResourceType, inputs: Properties): readonly string[] =>
  (type.validate?.({ ...type.defaults?.(inputs, settings), ...inputs }) ?? []).map(({ property }) => property);

describe("an alert policy", () => {
  const condition = { filter: 'metric.type = "x"', duration: "60s" };
  const good = { combiner: "OR", displayName: "a", conditions: [{ displayName: "c", conditionThreshold: condition }] };

  test("that is right is kept under a number of its own, which stays with an update", () => {
    expect(failures(alertPolicy, good)).toEqual([]);
    const id = alertPolicy.id(good, settings);
    expect(id).toMatch(/^projects\/p1\/alertPolicies\/\d{19}$/);
    expect(alertPolicy.id({ ...good, displayName: "b" }, settings)).not.toBe(id);
    expect(alertPolicy.outputs({ ...good, displayName: "b" }, id, settings)).toMatchObject({ name: id });
  });

  test.each([
    [{ combiner: "XOR" }, "combiner"],
    [{ conditions: [{ displayName: "c" }] }, "conditions[0]"],
    [{ conditions: [{ conditionThreshold: condition, conditionAbsent: condition }] }, "conditions[0]"],
    [{ conditions: [{ conditionAbsent: { duration: "1m" } }] }, "conditions[0].conditionAbsent.duration"],
    [
      { conditions: [{ conditionThreshold: { filter: "x", duration: "0s" } }] },
      "conditions[0].conditionThreshold.filter",
    ],
    [{ notificationChannels: ["#agents"] }, "notificationChannels[0]"],
  ])("%j is refused at %s", (change, property) => {
    expect(failures(alertPolicy, { ...good, ...change })).toEqual([property]);
  });

  test("whose filter is not known yet is left to the update", () => {
    const conditions = [{ conditionThreshold: { filter: UNKNOWN, duration: "0s" } }];
    expect(failures(alertPolicy, { ...good, conditions })).toEqual([]);
  });
});

describe("a dashboard", () => {
  test.each([
    ["{", "Is not JSON"],
    ["[]", "Must be an object."],
    ["{}", "displayName"],
    ['{"displayName":"a","gridLayout":{},"mosaicLayout":{}}', "at most one layout"],
  ])("of %j is refused", (dashboardJson, reason) => {
    expect(dashboard.validate?.({ dashboardJson })).toEqual([
      { property: "dashboardJson", reason: expect.stringContaining(reason) },
    ]);
  });

  test("that is right, or not known yet, is kept", () => {
    expect(failures(dashboard, { dashboardJson: '{"displayName":"a","mosaicLayout":{}}' })).toEqual([]);
    expect(failures(dashboard, { dashboardJson: UNKNOWN })).toEqual([]);
  });
});

describe("an uptime check", () => {
  const monitoredResource = { type: "uptime_url", labels: { host: "a.example.com" } };
  const good = { displayName: "a", timeout: "10s", monitoredResource };

  test("that is right gets its id from its name", () => {
    expect(failures(uptimeCheckConfig, good)).toEqual([]);
    const id = uptimeCheckConfig.id(good, settings);
    expect(uptimeCheckConfig.outputs(good, id, settings)).toMatchObject({
      name: id,
      uptimeCheckId: id.replace("projects/p1/uptimeCheckConfigs/", ""),
    });
  });

  test.each([
    [{ period: "30s" }, "period"],
    [{ timeout: "61s" }, "timeout"],
    [{ timeout: "10" }, "timeout"],
    [{ resourceGroup: { groupId: "g" } }, "monitoredResource"],
    [{ monitoredResource: { type: "uptime_url", labels: {} } }, "monitoredResource.labels"],
  ])("%j is refused", (change, property) => {
    expect(failures(uptimeCheckConfig, { ...good, ...change })).toEqual([property]);
  });
});
