/** The real engine in a folder of its own, attached to a tiny provider. */

import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPulumiEngine, type PulumiEngineOptions } from "../../automation/adapters/pulumi-engine.ts";
import { localEnvironment } from "../../automation/adapters/pulumi-environment.ts";
import { resolveEngine } from "../../automation/adapters/pulumi-resolver.ts";
import type { StackEngine } from "../../automation/ports/stack-engine.ts";
import { removeFolder } from "./remove-folder.ts";
import { tinyPrograms } from "./tiny-programs.ts";
import { serveTinyProvider, type TinyProvider } from "./tiny-provider.ts";

/** A machine without an engine builds it in the first test, which takes minutes. */
export const engineTimeoutMs = 900_000;

export interface RealEngine {
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  readonly provider: TinyProvider;
  readonly engine: StackEngine;
  /** A second driver in the same folder. */
  another(options?: Partial<PulumiEngineOptions>): StackEngine;
  close(): Promise<void>;
}

/** The provider answers under that name, whatever types it is asked for. */
export async function startRealEngine(providerName = "tiny"): Promise<RealEngine> {
  const resolved = await resolveEngine({ env: process.env });
  const root = await mkdtemp(join(tmpdir(), "switchyard-engine-"));
  await writeFile(join(root, "Pulumi.yaml"), "name: switchyard\nruntime: nodejs\noptions:\n  refresh: always\n");
  const provider = await serveTinyProvider();
  const cloud = { providers: { [providerName]: provider.port }, googleEndpoint: "http://127.0.0.1:9", token: "token" };
  const env = localEnvironment({ root, cloud });
  const another = (options: Partial<PulumiEngineOptions> = {}) =>
    createPulumiEngine({
      root,
      pulumiCommandPath: resolved.pulumi,
      pulumiVersion: resolved.version,
      env,
      programs: tinyPrograms,
      pendingCreates: "clear",
      ...options,
    });
  return {
    root,
    env,
    provider,
    engine: another(),
    another,
    close: async () => {
      provider.close();
      await removeFolder(root);
    },
  };
}
