/** The only importer of Pulumi's Automation API, and only on first use: loading it takes 370 ms. */
import type { PulumiCommand, PulumiFn, Stack } from "@pulumi/pulumi/automation/index.js";
import { secretsIn } from "../../components/shared/literal-secret.ts";
import { type Environment, type PulumiRunResult, runPulumi } from "./pulumi-process.ts";
import { withoutSecrets } from "./without-secrets.ts";

export type { EngineEvent, PulumiFn } from "@pulumi/pulumi/automation/index.js";

/** The engine ran and ended with an error. */
export class PulumiProcessError extends Error {
  readonly args: readonly string[];
  readonly result: PulumiRunResult;

  /** Without what the engine's variables hold of secrets: a backend or a provider may quote them. */
  constructor(args: readonly string[], printed: PulumiRunResult, env: Environment = {}) {
    const secrets = secretsIn(env);
    const result = {
      ...printed,
      stdout: withoutSecrets(printed.stdout, secrets),
      stderr: withoutSecrets(printed.stderr, secrets),
    };
    super(`pulumi ${args[0] ?? ""} ended with code ${result.code}\n${result.stdout}\n${result.stderr}`);
    this.name = "PulumiProcessError";
    this.args = args;
    this.result = result;
  }
}

export interface StackHandleOptions {
  readonly root: string;
  readonly stack: string;
  readonly command: string;
  /** Version of the CLI; the API chooses the way events travel by it. */
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly program?: PulumiFn;
  readonly signal?: AbortSignal;
  readonly cancelGraceMs: number;
}

/**
 * A stack of the Automation API without its needless CLI calls. Measured (each 0.10 s on two cores): `pulumi version` and
 * `stack select` before an operation, `stack output` twice and `stack history` after it; the operation itself takes 0.3 s.
 * We know the version, name the stack in every call and read outputs and changes from the engine's events.
 */
export async function openStack(options: StackHandleOptions): Promise<Stack> {
  const {
    LocalWorkspace,
    PulumiCommand: Command,
    Stack: StackClass,
  } = await import("@pulumi/pulumi/automation/index.js");
  const run = async (
    args: string[],
    cwd: string,
    extra: Readonly<Record<string, string>>,
    onOutput?: (text: string) => void,
    onError?: (text: string) => void,
  ): Promise<PulumiRunResult> => {
    const all = [...args, "--non-interactive"];
    const result = await runPulumi(options.command, {
      args: all,
      cwd,
      env: { ...options.env, ...extra, PULUMI_AUTOMATION_API: "true" },
      ...(onOutput === undefined ? {} : { onOutput }),
      ...(onError === undefined ? {} : { onError }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      cancelGraceMs: options.cancelGraceMs,
    });
    if (result.code !== 0) throw new PulumiProcessError(all, result, options.env);
    return result;
  };
  // The API's own runner hands this process's environment to the engine and leaves it in the terminal's process group.
  const command: PulumiCommand = Object.create(Command.prototype, {
    command: { value: options.command },
    version: { value: { toString: () => options.version } },
    run: { value: run },
  });
  const workspace = await LocalWorkspace.create({
    workDir: options.root,
    pulumiCommand: command,
    ...(options.program === undefined ? {} : { program: options.program }),
  });
  workspace.selectStack = async () => undefined;
  const stack = await StackClass.select(options.stack, workspace);
  stack.outputs = async () => ({});
  stack.history = async () => [];
  return stack;
}

/** Where the installer's script and the releases come from. */
const downloadServer = "https://get.pulumi.com/";

/**
 * Arguments for a Node process that installs the engine of the Automation API's own version into `<folder>/bin`. The API waits
 * two minutes for a server that does not answer and cannot be cancelled, hence the process and the first short request. The
 * last line on stderr is the reason of a failure.
 */
export function installerArguments(folder: string, connectTimeoutMs: number): string[] {
  const script = `
    const [api, folder, server, timeout] = process.argv.slice(1);
    try {
      const reply = await fetch(server + "latest-version", { signal: AbortSignal.timeout(Number(timeout)) });
      if (!reply.ok) throw new Error(server + " answers " + reply.status);
      const { PulumiCommand } = await import(api);
      await PulumiCommand.install({ root: folder });
    } catch (error) {
      const cause = error.cause?.code ?? error.cause?.message;
      const late = error.name === "TimeoutError" ? server + " did not answer within " + timeout + " ms" : undefined;
      console.error((late ?? String(error.message) + (cause ? " (" + cause + ")" : "")).replaceAll("\\n", " "));
      process.exitCode = 1;
    }`;
  const api = import.meta.resolve("@pulumi/pulumi/automation/index.js");
  return ["--input-type=module", "--eval", script, "--", api, folder, downloadServer, String(connectTimeoutMs)];
}
