import { tokens } from "../../compute/tokens.ts";
import type { CheckFailure, ResourceType } from "../resource-type.ts";
import { number } from "../values.ts";
import { autoName, creationTimestamp, globalId, linkedOutputs, refuseWhileUsed } from "./compute-resource.ts";

/** ForceNew fields of resource_compute_health_check.go in terraform-provider-google. */
const replaceOn = ["name", "project"];

const kinds = {
  httpHealthCheck: "HTTP",
  tcpHealthCheck: "TCP",
  httpsHealthCheck: "HTTPS",
  http2HealthCheck: "HTTP2",
  sslHealthCheck: "SSL",
  grpcHealthCheck: "GRPC",
  grpcTlsHealthCheck: "GRPC_WITH_TLS",
} as const;
const simulated: readonly string[] = ["httpHealthCheck", "tcpHealthCheck"];

/** Ranges of the API. */
const ranges = {
  checkIntervalSec: [1, 300],
  timeoutSec: [1, 300],
  healthyThreshold: [1, 10],
  unhealthyThreshold: [1, 10],
} as const;

export const healthCheck: ResourceType = {
  token: tokens.healthCheck,
  replaceOn,
  autoName,
  unknownAtPreview: ["creationTimestamp", "selfLink"],
  defaults: (_inputs, settings) => ({
    project: settings.project,
    checkIntervalSec: 5,
    timeoutSec: 5,
    healthyThreshold: 2,
    unhealthyThreshold: 2,
  }),
  validate(inputs) {
    const failures: CheckFailure[] = [];
    const given = Object.keys(kinds).filter((kind) => inputs[kind] !== undefined);
    if (given.length !== 1) {
      const wanted = `exactly one of ${Object.keys(kinds).join(", ")} must be given`;
      failures.push({ property: given[1] ?? "httpHealthCheck", reason: `${wanted}; there are ${given.length}` });
    }
    for (const kind of given.filter((name) => !simulated.includes(name))) {
      failures.push({ property: kind, reason: `the local cloud simulates ${simulated.join(" and ")} only` });
    }
    for (const [name, [low, high]] of Object.entries(ranges)) {
      const value = number(inputs, name);
      if (value !== undefined && (value < low || value > high || !Number.isInteger(value))) {
        failures.push({ property: name, reason: `must be a whole number from ${low} to ${high}, is ${value}` });
      }
    }
    const timeout = number(inputs, "timeoutSec");
    const interval = number(inputs, "checkIntervalSec");
    if (timeout !== undefined && interval !== undefined && timeout > interval) {
      failures.push({
        property: "timeoutSec",
        reason: `must not be greater than checkIntervalSec (${interval}), is ${timeout}`,
      });
    }
    return failures;
  },
  id: (inputs, settings) => globalId("healthChecks", inputs, settings),
  outputs: (inputs, id) => ({
    ...linkedOutputs(inputs, id),
    type: Object.entries(kinds).find(([name]) => inputs[name] !== undefined)?.[1] ?? "",
  }),
  create: async (_state, context) => ({ creationTimestamp: creationTimestamp(context) }),
  delete: (state, context) => refuseWhileUsed("HealthCheck", "health_check", state, context),
};
