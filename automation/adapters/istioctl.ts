/** istioctl of one minor, for one cluster. Its own version is read, and an unsafe one refused, before it is shown a cluster. */
import { access as canAccess, constants, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import { SwitchyardError } from "../errors.ts";
import { type MeshInspector, safeIstioctlVersions } from "../ports/mesh-inspector.ts";
import { type ClusterConnection, secretsOfAccess } from "./cluster-access.ts";
import {
  complaintOf,
  type Printed,
  readAnalysis,
  readAnalyzers,
  readClientVersion,
  readPrecheck,
  readProxyStatus,
  readVersions,
  type Understood,
} from "./istioctl-output.ts";
import { context, runIstioctl } from "./istioctl-process.ts";
import { withoutSecrets } from "./without-secrets.ts";

export interface IstioctlOptions {
  /** `1.31` */
  readonly minor: string;
  /** Path that is set for the minor; default: `istioctl-MINOR`, then `istioctl`, on the PATH. */
  readonly path?: string | undefined;
  /** For PATH; nothing of it is passed on. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly connection: ClusterConnection;
  /** First safe patch of each minor, in order; default `safeIstioctlVersions`. */
  readonly safeVersions?: readonly string[] | undefined;
  /** For every run, ms. Default 60,000, and 180,000 for analyze. */
  readonly deadlineMs?: number | undefined;
}

const versionDeadlineMs = 30_000;
const deadlineMs = 60_000;
const analyzeDeadlineMs = 180_000;

/** They read Secrets, of every namespace, which guard may not; without them the others are asked for by name. */
const secretReaders = ["gateway.SecretAnalyzer", "meshnetworks.MeshNetworksAnalyzer"];

interface Binary {
  readonly path: string;
  readonly version: string;
  /** Changes when another file is put there. */
  readonly mark: string;
}

/** `binaryVersion`: that of the binary which would be used. Errors as the port says. */
export interface Istioctl extends MeshInspector {
  binaryVersion(signal?: AbortSignal): Promise<string>;
}

export function createIstioctl(options: IstioctlOptions): Istioctl {
  const { minor, connection, safeVersions = safeIstioctlVersions } = options;
  let known: Binary | undefined;

  async function binary(signal: AbortSignal | undefined): Promise<Binary> {
    if (known !== undefined && (await markOf(known.path)) === known.mark) return known;
    known = undefined;
    const found = await find(options, signal);
    assertSafe(found, safeVersions);
    known = found;
    return found;
  }

  /**
   * Naming this cluster as its own remote one keeps istioctl from looking for others in Secrets, which may hold programs to start;
   * what it then says of the cluster a second time is left out.
   */
  async function analyze(revision: string | undefined, signal: AbortSignal | undefined) {
    const { path } = await binary(signal);
    const listed = await runIstioctl({
      binary: path,
      args: ["analyze", "--list-analyzers"],
      access: undefined,
      deadlineMs: versionDeadlineMs,
      signal,
    });
    const analyzers = readAnalyzers(listed);
    if ("why" in analyzers)
      throw new SwitchyardError("istioctl-failed", {
        message: `${path} does not list its analyzers: ${analyzers.why}`,
      });
    return run(
      [
        ...["analyze", "-A", "-o", "json", "--remote-contexts", context],
        ...analyzers.value.filter((name) => !secretReaders.includes(name)).flatMap((name) => ["--analyzer", name]),
        ...(revision === undefined ? [] : ["--revision", revision]),
      ],
      (printed) => readAnalysis(printed, context),
      options.deadlineMs ?? analyzeDeadlineMs,
      signal,
    );
  }

  async function run<Value>(
    args: readonly string[],
    read: (printed: Printed) => Understood<Value>,
    limitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Value> {
    const { path, version } = await binary(signal);
    const access = await connection.access(signal);
    const secrets = secretsOfAccess(access);
    const what = `istioctl ${version} ${args[0] === "x" ? args[1] : args[0]} of ${connection.description}`;
    const failed = (why: string): SwitchyardError =>
      new SwitchyardError("istioctl-failed", { message: `${what}: ${withoutSecrets(why, secrets)}` });
    const printed = await runIstioctl({ binary: path, args, access, deadlineMs: limitMs, signal });
    // The next call gets new ones.
    if (/Unauthorized|must be logged in/.test(`${printed.stderr}${printed.stdout.slice(-10_000)}`)) connection.forget();
    if (printed.stopped === "deadline")
      throw failed(`no result within ${limitMs / 1_000} s, it was ended. Its last word: ${complaintOf(printed)}`);
    if (printed.stopped === "output") throw failed("it printed more than 64 MiB and was ended");
    const understood = read(printed);
    if ("why" in understood) throw failed(understood.why);
    return understood.value;
  }

  const limit = options.deadlineMs ?? deadlineMs;
  return {
    description: `istioctl ${minor}`,
    analyze,
    precheck: (signal) => run(["x", "precheck", "-o", "json"], readPrecheck, limit, signal),
    versions: (signal) => run(["version", "-o", "json"], readVersions, limit, signal),
    proxyStatus: (signal) => run(["proxy-status", "-o", "json"], readProxyStatus, limit, signal),
    binaryVersion: async (signal) => (await binary(signal)).version,
  };
}

/** Errors: istioctl-missing, istioctl-failed (it does not tell its version). */
async function find({ minor, path, env }: IstioctlOptions, signal: AbortSignal | undefined): Promise<Binary> {
  const missing = (why: string): SwitchyardError =>
    new SwitchyardError("istioctl-missing", {
      message: `There is no istioctl ${minor}: ${why}`,
      next: `Install it as istioctl-${minor} on the PATH, or name its path:   guard: { istioctl: { "${minor}": /path/to/istioctl } }`,
    });
  if (path !== undefined) {
    if (!(await isProgram(path))) throw missing(`guard.istioctl names ${path}, which cannot be run`);
    const found = await inspect(path, signal);
    if (minorOf(found.version) === minor) return found;
    throw missing(`guard.istioctl names ${path}, which is ${found.version}`);
  }
  const others: string[] = [];
  for (const name of [`istioctl-${minor}`, "istioctl"]) {
    const on = await onPath(name, env["PATH"]);
    if (on === undefined) continue;
    const found = await inspect(on, signal);
    if (minorOf(found.version) === minor) return found;
    others.push(`${on} is ${found.version}`);
  }
  throw missing(others.length === 0 ? "none is on the PATH" : others.join(", "));
}

async function inspect(path: string, signal: AbortSignal | undefined): Promise<Binary> {
  const failed = (why: string): SwitchyardError =>
    new SwitchyardError("istioctl-failed", { message: `${path} does not tell its version: ${why}` });
  const mark = await markOf(path);
  const args = ["version", "--remote=false", "-o", "json"];
  let printed: Awaited<ReturnType<typeof runIstioctl>>;
  try {
    printed = await runIstioctl({ binary: path, args, access: undefined, deadlineMs: versionDeadlineMs, signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw failed(error instanceof Error ? error.message : String(error));
  }
  if (printed.stopped !== undefined) throw failed(`no answer within ${versionDeadlineMs / 1_000} s`);
  const version = readClientVersion(printed);
  if ("why" in version) throw failed(version.why);
  if (minorOf(version.value) === undefined) throw failed(`'${version.value}' is no version`);
  return { path, version: version.value, mark };
}

/** Errors: istioctl-unsafe. */
function assertSafe({ path, version }: Binary, safeVersions: readonly string[]): void {
  const [minor = [0, 0], own] = [numbersOf(version), minorOf(version)];
  const pin = safeVersions.find((one) => minorOf(one) === own);
  const [first = "", last = ""] = [safeVersions[0], safeVersions.at(-1)];
  const unsafe = (why: string, next: string): SwitchyardError =>
    new SwitchyardError("istioctl-unsafe", {
      message: `${path} is istioctl ${version}: ${why} a program that a secret of the cluster names could be started by it`,
      next,
    });
  if (pin !== undefined) {
    // An alpha, beta or candidate of the fixed version may lack the fix.
    const before =
      isBefore(minor, numbersOf(pin)) || (version.startsWith(`${pin}-`) && /-(alpha|beta|rc)/.test(version));
    if (before) throw unsafe(`before ${pin}`, `Install istioctl ${pin} or later of that minor.`);
    return;
  }
  if (isBefore(minor, numbersOf(last)) && isBefore(minor, numbersOf(first)))
    throw unsafe(
      `no version before ${first} is safe, and of that minor none was fixed;`,
      `Only minors from ${minorOf(first)} on have a safe istioctl; upgrade this cluster by hand up to there.`,
    );
  if (isBefore(minor, numbersOf(last)))
    throw unsafe(`no safe version of that minor is known;`, `Use one of ${safeVersions.join(", ")}.`);
}

const numbersOf = (version: string): readonly number[] =>
  (/^v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(version) ?? []).slice(1).map((part) => Number(part ?? 0));

function minorOf(version: string): string | undefined {
  const [major, minor] = numbersOf(version);
  return major === undefined || minor === undefined ? undefined : `${major}.${minor}`;
}

function isBefore(one: readonly number[], other: readonly number[]): boolean {
  const at = [0, 1, 2].find((index) => (one[index] ?? 0) !== (other[index] ?? 0));
  return at !== undefined && (one[at] ?? 0) < (other[at] ?? 0);
}

async function onPath(name: string, path = ""): Promise<string | undefined> {
  for (const folder of path.split(delimiter)) {
    // Relative ones would depend on where this process was started.
    if (!isAbsolute(folder)) continue;
    const candidate = join(folder, name);
    if (await isProgram(candidate)) return candidate;
  }
  return undefined;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await canAccess(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

async function markOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(path);
    return `${ino} ${size} ${mtimeMs}`;
  } catch {
    return "gone";
  }
}
