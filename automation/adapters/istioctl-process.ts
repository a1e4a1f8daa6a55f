/** One run of istioctl: nothing of this process's environment, a limit on time and on output, nothing left behind. */
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClusterAccess } from "./cluster-access.ts";
import type { Printed } from "./istioctl-output.ts";

/** Name of the only context in the kubeconfig that it is given. */
export const context = "guard";
const largestStdout = 64 * 1024 * 1024;
const largestStderr = 256 * 1024;

export interface IstioctlRun {
  readonly binary: string;
  readonly args: readonly string[];
  /** Undefined: no cluster. */
  readonly access: ClusterAccess | undefined;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** How a run ended otherwise than by itself. */
export type Stopped = "deadline" | "output";

/** Rejects with the signal's reason, or as the system does when it cannot be started. */
export async function runIstioctl(run: IstioctlRun): Promise<Printed & { readonly stopped: Stopped | undefined }> {
  run.signal?.throwIfAborted();
  const folder = await mkdtemp(join(tmpdir(), "switchyard-istioctl-"));
  try {
    const home = join(folder, "home");
    const kubeconfig = join(folder, "kubeconfig");
    await mkdir(home);
    await writeFile(kubeconfig, kubeconfigOf(run.access), { mode: 0o600 });
    return await execute(run, folder, { HOME: home, KUBECONFIG: kubeconfig });
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function execute(run: IstioctlRun, cwd: string, env: Readonly<Record<string, string>>) {
  const { binary, args, access, deadlineMs, signal } = run;
  const whole = [...args, ...(access === undefined ? [] : ["--context", context])];
  const child = spawn(binary, whole, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  const { promise, resolve, reject } = Promise.withResolvers<Printed & { readonly stopped: Stopped | undefined }>();
  const stdout: Buffer[] = [];
  let size = 0;
  let stderr = "";
  let stopped: Stopped | undefined;
  // It takes no notice of gentler ones while it waits for the server.
  const kill = () => child.kill("SIGKILL");
  const timer = setTimeout(() => {
    stopped ??= "deadline";
    kill();
  }, deadlineMs);
  signal?.addEventListener("abort", kill, { once: true });
  child.stdout.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size <= largestStdout) stdout.push(chunk);
    else {
      stopped ??= "output";
      kill();
    }
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = `${stderr}${text}`.slice(-largestStderr);
  });
  const finish = () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", kill);
  };
  child.once("error", (error) => {
    finish();
    reject(error);
  });
  child.once("close", (code) => {
    finish();
    if (signal?.aborted) reject(signal.reason);
    else resolve({ stdout: Buffer.concat(stdout).toString("utf8"), stderr, code: code ?? -1, stopped });
  });
  return promise;
}

/** JSON is YAML. */
function kubeconfigOf(access: ClusterAccess | undefined): string {
  const base = { apiVersion: "v1", kind: "Config" };
  if (access === undefined) return JSON.stringify({ ...base, clusters: [], users: [], contexts: [] });
  const { server, authority, serverName, unverified, token, login, certificate, impersonate, proxy } = access;
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const cluster = {
    server,
    "certificate-authority-data": authority === undefined || unverified ? undefined : base64(authority),
    "tls-server-name": serverName,
    "insecure-skip-tls-verify": unverified || undefined,
    "proxy-url": proxy,
  };
  const user = {
    token,
    ...login,
    "client-certificate-data": certificate && base64(certificate.certificate),
    "client-key-data": certificate && base64(certificate.key),
    as: impersonate,
  };
  return JSON.stringify({
    ...base,
    clusters: [{ name: context, cluster }],
    users: [{ name: context, user }],
    contexts: [{ name: context, context: { cluster: context, user: context } }],
    "current-context": context,
  });
}
