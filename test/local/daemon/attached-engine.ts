import { delimiter, join } from "node:path";
import { LocalWorkspace, type PulumiFn, type Stack } from "@pulumi/pulumi/automation/index.js";
import { findPulumi } from "../../support/pulumi.ts";

/** A stack of the real engine, attached to a running daemon; its state is below `folder`. */
export async function attachedStack(
  folder: string,
  providers: { readonly gcp: number; readonly kubernetes: number },
  stackName: string,
  program: PulumiFn,
): Promise<Stack> {
  const pulumi = findPulumi();
  if (pulumi === undefined) throw new Error("No pulumi on the PATH or in the cache: run `npx switchyard doctor`.");
  // The Automation API looks for the command in this process's PATH, not in `envVars`.
  process.env["PATH"] = `${pulumi}${delimiter}${process.env["PATH"] ?? ""}`;
  const home = join(folder, "pulumi-home");
  const url = `file://${folder}`;
  return LocalWorkspace.createOrSelectStack(
    { stackName, projectName: "switchyard", program },
    {
      pulumiHome: home,
      envVars: {
        PULUMI_DEBUG_PROVIDERS: `gcp:${providers.gcp},kubernetes:${providers.kubernetes}`,
        PULUMI_BACKEND_URL: url,
        PULUMI_HOME: home,
        PULUMI_CONFIG_PASSPHRASE: "test",
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        GOOGLE_PROJECT: "switchyard-local",
        GOOGLE_REGION: "us-central1",
        GOOGLE_ZONE: "us-central1-a",
      },
      projectSettings: { name: "switchyard", runtime: "nodejs", backend: { url } },
    },
  );
}
