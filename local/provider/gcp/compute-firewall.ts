import { tokens } from "../../compute/tokens.ts";
import type { CheckFailure, ResourceType } from "../resource-type.ts";
import { number } from "../values.ts";
import { autoName, creationTimestamp, globalId, linkedOutputs } from "./compute-resource.ts";

/** ForceNew fields of resource_compute_firewall.go in terraform-provider-google. */
const replaceOn = ["name", "project", "network", "direction", "params"];

/** Kept and reported; loopback has no network that it could guard. */
export const firewall: ResourceType = {
  token: tokens.firewall,
  replaceOn,
  autoName,
  unknownAtPreview: ["creationTimestamp", "selfLink"],
  defaults: (_inputs, settings) => ({ project: settings.project, priority: 1000, direction: "INGRESS" }),
  validate(inputs) {
    const failures: CheckFailure[] = [];
    const given = ["allows", "denies"].filter((name) => inputs[name] !== undefined);
    if (given.length !== 1) {
      failures.push({
        property: "allows",
        reason: `exactly one of allows and denies must be given; there are ${given.length}`,
      });
    }
    const priority = number(inputs, "priority");
    if (priority !== undefined && (priority < 0 || priority > 65535 || !Number.isInteger(priority))) {
      failures.push({ property: "priority", reason: `must be a whole number from 0 to 65535, is ${priority}` });
    }
    return failures;
  },
  id: (inputs, settings) => globalId("firewalls", inputs, settings),
  outputs: linkedOutputs,
  create: async (_state, context) => ({ creationTimestamp: creationTimestamp(context) }),
};
