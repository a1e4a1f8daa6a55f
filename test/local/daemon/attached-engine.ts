import { join } from "node:path";
import type { PulumiFn, Stack } from "@pulumi/pulumi/automation/index.js";
import { leanStack } from "../../support/lean-stack.ts";

/** A stack of the real engine, attached to a running daemon; its state is below `folder`. */
export function attachedStack(
  folder: string,
  providers: { readonly gcp: number; readonly kubernetes: number },
  name: string,
  program: PulumiFn,
): Promise<Stack> {
  return leanStack({
    name,
    program,
    project: "switchyard",
    backend: folder,
    pulumiHome: join(folder, "pulumi-home"),
    env: {
      PULUMI_DEBUG_PROVIDERS: `gcp:${providers.gcp},kubernetes:${providers.kubernetes}`,
      GOOGLE_PROJECT: "switchyard-local",
      GOOGLE_REGION: "us-central1",
      GOOGLE_ZONE: "us-central1-a",
    },
  });
}
