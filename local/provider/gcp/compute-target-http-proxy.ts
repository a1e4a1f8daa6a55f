import { tokens } from "../../compute/tokens.ts";
import { targetProxy } from "./compute-target-proxy.ts";

export const targetHttpProxy = targetProxy({
  token: tokens.httpProxy,
  // ForceNew fields of resource_compute_target_http_proxy.go in terraform-provider-google.
  replaceOn: ["name", "project", "description", "httpKeepAliveTimeoutSec", "proxyBind"],
  collection: "targetHttpProxies",
  title: "TargetHttpProxy",
  noun: "target_http_proxy",
});
