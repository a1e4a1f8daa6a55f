/**
 * Stacks of the Automation API that start one process per operation. The API's own also ask the CLI for its version, the
 * selection, the outputs and the history, 0.2 s each.
 */
import { access, readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import type { EngineEvent, OpMap, PulumiFn } from "@pulumi/pulumi/automation/index.js";
import { LocalWorkspace, PulumiCommand, Stack } from "@pulumi/pulumi/automation/index.js";
import { outputsOfState } from "../../automation/adapters/pulumi-file-backend.ts";
import { findPulumi } from "./pulumi.ts";

export interface LeanStackOptions {
  readonly name: string;
  readonly project: string;
  readonly program: PulumiFn;
  /** Folder of the `file://` backend. */
  readonly backend: string;
  readonly pulumiHome: string;
  /** Beside backend, home and passphrase. */
  readonly env: Readonly<Record<string, string>>;
}

let command: Promise<PulumiCommand> | undefined;

/** The stack, made where there is none. */
export async function leanStack(options: LeanStackOptions): Promise<Stack> {
  const { name, project, program, backend, pulumiHome } = options;
  const url = `file://${backend}`;
  command ??= findCommand();
  const workspace = await LocalWorkspace.create({
    program,
    pulumiHome,
    pulumiCommand: await command,
    projectSettings: { name: project, runtime: "nodejs", backend: { url } },
    envVars: {
      PULUMI_BACKEND_URL: url,
      PULUMI_HOME: pulumiHome,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      ...options.env,
    },
  });
  // Every call names its stack.
  workspace.selectStack = async () => undefined;
  const state = stateFile(backend, project, name);
  const stack = (await isThere(state)) ? await Stack.select(name, workspace) : await Stack.create(name, workspace);
  readFromFiles(stack, state);
  return stack;
}

/** Where a stack's state is. */
export function stateFile(backend: string, project: string, name: string): string {
  return join(backend, ".pulumi", "stacks", project, `${name}.json`);
}

async function findCommand(): Promise<PulumiCommand> {
  const folder = findPulumi();
  if (folder === undefined) throw new Error("No pulumi on the PATH or in the cache: run `npx switchyard doctor`.");
  // The Automation API looks for the command in this process's PATH, not in `envVars`.
  process.env["PATH"] = `${folder}${delimiter}${process.env["PATH"] ?? ""}`;
  return await PulumiCommand.get();
}

/** Changes come from the engine's events, outputs from the state; only secrets are the CLI's to tell. */
function readFromFiles(stack: Stack, state: string): void {
  const up = stack.up.bind(stack);
  const refresh = stack.refresh.bind(stack);
  const destroy = stack.destroy.bind(stack);
  const outputs = stack.outputs.bind(stack);
  let resourceChanges: OpMap | undefined;
  const listening = <Options extends { onEvent?: (event: EngineEvent) => void }>(options?: Options) => ({
    ...options,
    onEvent: (event: EngineEvent) => {
      if (event.summaryEvent !== undefined) ({ resourceChanges } = event.summaryEvent);
      options?.onEvent?.(event);
    },
  });
  stack.up = (options) => up(listening(options));
  stack.refresh = (options) => refresh(listening(options));
  stack.destroy = (options) => destroy(listening(options));
  stack.history = async () => [
    {
      kind: "update",
      version: 0,
      startTime: new Date(),
      endTime: new Date(),
      message: "",
      environment: {},
      config: {},
      result: "succeeded",
      ...(resourceChanges === undefined ? {} : { resourceChanges }),
    },
  ];
  stack.outputs = async () => {
    const kept = outputsOfState(await readFile(state, "utf8"));
    if (JSON.stringify(kept).includes('"ciphertext"')) return await outputs();
    return Object.fromEntries(Object.entries(kept).map(([key, value]) => [key, { value, secret: false }]));
  };
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
