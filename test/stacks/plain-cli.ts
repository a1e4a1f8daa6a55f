import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import { buildImage } from "../../local/registry/image.ts";
import { findPulumi } from "../support/pulumi.ts";
import { removeFolder } from "../support/remove-folder.ts";

const checkout = join(import.meta.dirname, "..", "..");

const readyLine = z.object({
  ready: z.literal(true),
  controlUrl: z.url(),
  tokenFile: z.string(),
  providers: z.object({ gcp: z.number(), kubernetes: z.number() }),
  googleEndpoint: z.url(),
});

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A checkout of its own with a local cloud, where the plain CLI runs as a platform engineer runs it. */
export interface PlainProject {
  readonly image: string;
  /** `GET` of the control API. */
  control(path: string): Promise<unknown>;
  /** A call of Google's compute API, as the swap engine makes it; path from `projects/` on. */
  google(
    method: "GET" | "PATCH",
    path: string,
    body?: object,
  ): Promise<{ readonly status: number; readonly body: unknown }>;
  /** `pulumi …` in the project's folder. */
  pulumi(...args: string[]): Promise<CommandResult>;
  close(): Promise<void>;
}

/** Starts a local cloud on a new folder that shares the checkout's sources. */
export async function openPlainProject(): Promise<PlainProject> {
  const engine = findPulumi();
  if (engine === undefined) throw new Error("No pulumi on the PATH or in the cache: run `npx switchyard doctor`.");
  const root = await mkdtemp(join(tmpdir(), "switchyard-plain-"));
  for (const name of ["components", "stacks", "node_modules", "package.json", "Pulumi.yaml"]) {
    await symlink(join(checkout, name), join(root, name));
  }
  const built = await buildImage({
    folder: join(checkout, "services", "kiro"),
    imagesDirectory: join(root, ".switchyard", "images"),
  });

  const daemon = spawn(process.execPath, [join(checkout, "local/daemon/main.ts"), "--root", root, "--owned"], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  const info = readyLine.parse(JSON.parse(await firstLine(daemon)));
  const headers = { authorization: `Bearer ${(await readFile(info.tokenFile, "utf8")).trim()}` };
  const home = join(root, "home");
  await writeFile(join(root, "passphrase"), "test", { mode: 0o600 });
  const env = {
    PATH: [join(checkout, "node_modules", ".bin"), engine, process.env["PATH"] ?? ""].join(delimiter),
    HOME: home,
    PULUMI_HOME: home,
    PULUMI_BACKEND_URL: `file://${root}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: join(root, "passphrase"),
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_DEBUG_PROVIDERS: `gcp:${info.providers.gcp},kubernetes:${info.providers.kubernetes}`,
    GOOGLE_PROJECT: "switchyard-local",
    GOOGLE_REGION: "us-central1",
    GOOGLE_ZONE: "us-central1-a",
  };
  return {
    image: built.image,
    control: async (path) => (await fetch(new URL(path, info.controlUrl), { headers })).json(),
    async google(method, path, body) {
      const reply = await fetch(new URL(path, info.googleEndpoint), {
        method,
        headers: { ...headers, "content-type": "application/json" },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return { status: reply.status, body: await reply.json() };
    },
    pulumi: (...args) => execute("pulumi", [...args, "--non-interactive"], { cwd: root, env }),
    async close() {
      const ended = new Promise((resolve) => daemon.once("close", resolve));
      daemon.stdin.end();
      await ended;
      await removeFolder(root);
    },
  };
}

function execute(
  command: string,
  args: string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { ...options, maxBuffer: 16 * 2 ** 20 }, (error, stdout, stderr) => {
      if (error === null) resolve({ exitCode: 0, stdout, stderr });
      else if (typeof error.code === "number") resolve({ exitCode: error.code, stdout, stderr });
      else reject(error);
    });
  });
}

function firstLine(daemon: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let errors = "";
    daemon.stderr?.on("data", (chunk: Buffer) => {
      errors += chunk.toString();
    });
    if (daemon.stdout !== null) createInterface(daemon.stdout).once("line", resolve);
    daemon.once("close", (code) => reject(new Error(`The local cloud ended with ${String(code)}: ${errors}`)));
  });
}
