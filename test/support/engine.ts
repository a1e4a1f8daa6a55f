import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { LocalWorkspace, type PulumiFn, type Stack } from "@pulumi/pulumi/automation/index.js";
import type { Cloud } from "../../local/daemon/cloud.ts";
import { gcpFunctions, gcpTypes } from "../../local/provider/gcp/index.ts";
import { kubernetesFunctions, kubernetesTypes } from "../../local/provider/kubernetes/index.ts";
import { readSchema, sdkVersion } from "../../local/provider/schema.ts";
import { type ProviderServer, serveProvider } from "../../local/provider/server.ts";
import { findPulumi } from "./pulumi.ts";
import { removeFolder } from "./remove-folder.ts";

export const localDefaults = { project: "switchyard-local", region: "us-central1", zone: "us-central1-a" };

/** The real engine, attached to both providers over a cloud. */
export interface TestEngine {
  readonly gcp: ProviderServer;
  readonly kubernetes: ProviderServer;
  stack(name: string, program: PulumiFn): Promise<Stack>;
  /** The stack's state as it is on disk. */
  state(name: string): Promise<string>;
  close(): Promise<void>;
}

/** Serves both providers on `cloud` and gives the engine a backend of its own, gone with `close`. */
export async function startEngine(cloud: Cloud): Promise<TestEngine> {
  const folder = findPulumi();
  if (folder === undefined) throw new Error("No pulumi on the PATH or in the cache: run `npx switchyard doctor`.");
  // The Automation API looks for the command in this process's PATH, not in `envVars`.
  process.env["PATH"] = `${folder}${delimiter}${process.env["PATH"] ?? ""}`;
  const home = await mkdtemp(join(tmpdir(), "switchyard-engine-"));
  const gcp = await serveProvider({
    name: "gcp",
    version: sdkVersion("gcp"),
    types: gcpTypes,
    functions: gcpFunctions,
    schema: readSchema("gcp"),
    cloud,
    defaults: localDefaults,
  });
  const kubernetes = await serveProvider({
    name: "kubernetes",
    version: sdkVersion("kubernetes"),
    types: kubernetesTypes,
    functions: kubernetesFunctions,
    schema: readSchema("kubernetes"),
    cloud,
    defaults: localDefaults,
  });
  const envVars = {
    PULUMI_DEBUG_PROVIDERS: `gcp:${gcp.port},kubernetes:${kubernetes.port}`,
    PULUMI_BACKEND_URL: `file://${home}`,
    PULUMI_HOME: join(home, "pulumi-home"),
    PULUMI_CONFIG_PASSPHRASE: "test",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  };
  return {
    gcp,
    kubernetes,
    stack: (stackName, program) =>
      LocalWorkspace.createOrSelectStack(
        { stackName, projectName: "test", program },
        {
          envVars,
          pulumiHome: envVars.PULUMI_HOME,
          projectSettings: { name: "test", runtime: "nodejs", backend: { url: `file://${home}` } },
        },
      ),
    state: (name) => readFile(join(home, ".pulumi", "stacks", "test", `${name}.json`), "utf8"),
    async close() {
      await Promise.all([gcp.close(), kubernetes.close()]);
      await removeFolder(home);
    },
  };
}
