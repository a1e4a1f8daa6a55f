import { runtime } from "@pulumi/pulumi";
import type { ConfigSource } from "./config.ts";

/** The running stack's configuration and the process's environment. */
export function currentConfig(): ConfigSource {
  return { values: runtime.allConfig(), environment: process.env };
}
