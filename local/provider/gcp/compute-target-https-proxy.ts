import { tokens } from "../../compute/tokens.ts";
import { isUnknown } from "../properties.ts";
import type { CheckFailure, Properties } from "../resource-type.ts";
import { text } from "../values.ts";
import { targetProxy } from "./compute-target-proxy.ts";

const certificateMapFormat =
  /^(\/\/certificatemanager\.googleapis\.com\/)?projects\/[^/]+\/locations\/[^/]+\/certificateMaps\/[^/]+$/;

export const targetHttpsProxy = targetProxy({
  token: tokens.httpsProxy,
  // ForceNew fields of resource_compute_target_https_proxy.go in terraform-provider-google.
  replaceOn: ["name", "project", "description", "proxyBind"],
  collection: "targetHttpsProxies",
  title: "TargetHttpsProxy",
  noun: "target_https_proxy",
  defaults: { quicOverride: "NONE" },
  validate: certificateProblems,
});

/** A certificate is needed, and a map's name has a form of its own. */
function certificateProblems(inputs: Properties): readonly CheckFailure[] {
  const failures: CheckFailure[] = [];
  const sources = ["certificateMap", "certificateManagerCertificates", "sslCertificates"];
  if (sources.every((name) => inputs[name] === undefined)) {
    failures.push({ property: "certificateMap", reason: `one of ${sources.join(", ")} must be given` });
  }
  const map = text(inputs, "certificateMap");
  if (map !== undefined && !isUnknown(map) && !certificateMapFormat.test(map)) {
    failures.push({
      property: "certificateMap",
      reason: `must have the form //certificatemanager.googleapis.com/projects/P/locations/global/certificateMaps/NAME, is ${map}`,
    });
  }
  return failures;
}
