/** Downloads the engine with the Automation API's own installer, in a process that can be ended. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { installerArguments } from "./pulumi-automation-api.ts";
import { isFile } from "./pulumi-cache.ts";
import { killGroup } from "./pulumi-process.ts";

export interface DownloadOptions {
  /** An empty folder; the result is `<folder>/bin/pulumi`, its language hosts beside it. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How long the download server may take to answer at all, ms. */
  readonly connectTimeoutMs: number;
  /** How long the whole may take, ms. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export class DownloadError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "DownloadError";
  }
}

/** Returns the path of `pulumi`. Errors: DownloadError; the signal's reason when aborted. */
export async function downloadPulumi(options: DownloadOptions): Promise<string> {
  options.signal?.throwIfAborted();
  await runInstaller(options);
  const pulumi = join(options.folder, "bin", "pulumi");
  if (!(await isFile(pulumi))) throw new DownloadError("the installer ended well and left no pulumi");
  return pulumi;
}

function runInstaller(options: DownloadOptions): Promise<void> {
  const { folder, env, connectTimeoutMs, timeoutMs, signal } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, installerArguments(folder, connectTimeoutMs), {
      cwd: folder,
      // curl, which the installer uses, goes through the proxy that the environment names; so does Node's fetch with this.
      env: { ...env, NODE_USE_ENV_PROXY: "1", NODE_OPTIONS: "" },
      stdio: ["ignore", "ignore", "pipe"],
      detached: true,
    });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-2_000);
    });
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      killGroup(child);
    }, timeoutMs);
    const onAbort = () => killGroup(child);
    signal?.addEventListener("abort", onAbort, { once: true });
    const settle = (outcome: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      outcome();
    };
    child.once("error", (error) => settle(() => reject(error)));
    child.once("close", (code) =>
      settle(() => {
        if (signal?.aborted) reject(signal.reason);
        else if (late) reject(new DownloadError(`it was not done after ${timeoutMs / 1_000} s`));
        else if (code === 0) resolve();
        else reject(new DownloadError(said.trim().split("\n").at(-1) || `the installer ended with ${code}`));
      }),
    );
  });
}
