import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PulumiFn, Stack } from "@pulumi/pulumi/automation/index.js";
import type { Cloud } from "../../local/daemon/cloud.ts";
import { gcpFunctions, gcpTypes } from "../../local/provider/gcp/index.ts";
import { kubernetesFunctions, kubernetesTypes } from "../../local/provider/kubernetes/index.ts";
import { readSchema, sdkVersion } from "../../local/provider/schema.ts";
import { type ProviderServer, serveProvider } from "../../local/provider/server.ts";
import { leanStack, stateFile } from "./lean-stack.ts";
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
  return {
    gcp,
    kubernetes,
    stack: (name, program) =>
      leanStack({
        name,
        program,
        project: "test",
        backend: home,
        pulumiHome: join(home, "pulumi-home"),
        env: { PULUMI_DEBUG_PROVIDERS: `gcp:${gcp.port},kubernetes:${kubernetes.port}` },
      }),
    state: (name) => readFile(stateFile(home, "test", name), "utf8"),
    async close() {
      await Promise.all([gcp.close(), kubernetes.close()]);
      await removeFolder(home);
    },
  };
}
