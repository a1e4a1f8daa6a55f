/**
 * The one place that knows where the Pulumi engine comes from: the PATH, the cache, the network, the Go modules; in this order.
 */
import { realpath, rename, rm } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { SwitchyardError } from "../errors.ts";
import { takeMakerLock } from "./maker-lock.ts";
import { isErrno } from "./process-facts.ts";
import { buildWithGo, engineRecipe, findGo, GoBuildError, type GoRecipe, languageHostRecipe } from "./pulumi-build.ts";
import { defaultCacheDirectory, EngineCache, isFile } from "./pulumi-cache.ts";
import {
  builtPulumiVersion,
  type Candidate,
  chooseEngine,
  minimumPulumiVersion,
  parseVersion,
  type Rejection,
} from "./pulumi-candidates.ts";
import { DownloadError, type DownloadOptions, downloadPulumi } from "./pulumi-download.ts";
import { runPulumi } from "./pulumi-process.ts";

export interface EngineProgress {
  /** What is done, for people: "building 3.230.0 from Go modules". */
  readonly phase: string;
  /** 0 to 99; absent where nothing can be counted. */
  readonly percent?: number;
  readonly elapsedMs: number;
  /** How long this phase takes on two cores, ms; absent where it depends on others. */
  readonly estimateMs?: number;
}

export interface ResolvedEngine {
  readonly pulumi: string;
  /** The Node language host beside it, which only the plain CLI needs. */
  readonly languageHost?: string;
  readonly version: string;
  readonly source: "path" | "cache" | "download" | "build";
}

export interface ResolveOptions {
  /** PATH, HOME, XDG_CACHE_HOME, proxies and go's variables are read. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default `${XDG_CACHE_HOME:-~/.cache}/switchyard`. */
  readonly cacheDirectory?: string;
  readonly onProgress?: (progress: EngineProgress) => void;
  /** Aborting ends a download or build at once; nothing half is left. */
  readonly signal?: AbortSignal;
  /** Try no download. Default false. Go may still fetch modules, from its own proxy. */
  readonly offline?: boolean;
  /** For tests. */
  readonly download?: (options: DownloadOptions) => Promise<string>;
}

const connectTimeoutMs = 4_000;
const downloadTimeoutMs = 300_000;

/** The engine; found, downloaded or built. Errors: engine-missing; the signal's reason when aborted. */
export async function resolveEngine(options: ResolveOptions): Promise<ResolvedEngine> {
  const look = await lookAround(options);
  if (look.found !== undefined) return look.found;
  const cache = cacheOf(options);
  const failures: Rejection[] = [...look.rejected];
  try {
    return await whileLocked(options, cache, async () => {
      // Another process may have made it while we waited.
      const again = await lookAround(options);
      if (again.found !== undefined) return again.found;
      await cache.sweep();
      return (await download(options, cache, failures)) ?? (await build(options, cache, failures));
    });
  } catch (error) {
    if (!isErrno(error, "EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "ENOTDIR") || !(error instanceof Error))
      throw error;
    throw missing([...failures, { source: "cache", path: cache.folder, reason: error.message }], error);
  }
}

/** The engine if it is on the PATH or in the cache; nothing is downloaded or built. */
export async function lookForEngine(options: ResolveOptions): Promise<ResolvedEngine | undefined> {
  return (await lookAround(options)).found;
}

/**
 * The path of the Node language host, which plain `pulumi` needs and our own commands do not: beside the engine, on the PATH,
 * in the cache, or built. Errors: engine-missing.
 */
export async function resolveLanguageHost(
  options: ResolveOptions & { readonly engine: ResolvedEngine },
): Promise<string> {
  const cache = cacheOf(options);
  const name = languageHostRecipe.binary;
  const folders = [
    dirname(await realpath(options.engine.pulumi)),
    ...(options.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== ""),
    join(cache.versionFolder(options.engine.version), "bin"),
    join(cache.versionFolder(builtPulumiVersion), "bin"),
  ];
  const find = async () => {
    for (const folder of folders) if (await isFile(join(folder, name))) return join(folder, name);
    return undefined;
  };
  const found = await find();
  if (found !== undefined) return found;
  return await whileLocked(options, cache, async () => {
    const made = await find();
    if (made !== undefined) return made;
    const failures: Rejection[] = [
      { source: "path", reason: `no ${name} beside ${options.engine.pulumi} or on the PATH` },
    ];
    const built = await buildRecipe(options, cache, languageHostRecipe, builtPulumiVersion, failures);
    if (built === undefined) throw missing(failures);
    return built;
  });
}

interface Look {
  readonly found: ResolvedEngine | undefined;
  readonly rejected: readonly Rejection[];
}

/** PATH and cache. Under 10 ms when the binary is stamped: it is not run. */
async function lookAround(options: ResolveOptions): Promise<Look> {
  const cache = cacheOf(options);
  const onPath = await firstOnPath(options.env, "pulumi");
  const paths: { source: Candidate["source"]; pulumi: string }[] = [
    ...(onPath === undefined ? [] : [{ source: "path" as const, pulumi: onPath }]),
    ...(await cache.engines()).map((pulumi) => ({ source: "cache" as const, pulumi })),
  ];
  const candidates = await Promise.all(
    paths.map(async ({ source, pulumi }) => ({ source, pulumi, ...(await versionOf(pulumi, options, cache)) })),
  );
  const { chosen, rejected } = chooseEngine(candidates);
  if (chosen === undefined) return { found: undefined, rejected };
  return { found: await resolved(chosen.pulumi, chosen.version, chosen.source), rejected };
}

/** From the stamp, else by running it once. */
async function versionOf(
  pulumi: string,
  options: ResolveOptions,
  cache: EngineCache,
): Promise<{ version: string | undefined; problem?: string }> {
  const stamped = await cache.stampedVersion(pulumi);
  if (stamped !== undefined) return { version: stamped };
  const deadline = AbortSignal.timeout(10_000);
  try {
    const result = await runPulumi(pulumi, {
      args: ["version"],
      cwd: dirname(pulumi),
      env: { ...options.env, PULUMI_SKIP_UPDATE_CHECK: "true" },
      signal: options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]),
      cancelGraceMs: 1_000,
    });
    options.signal?.throwIfAborted();
    const said = result.stdout.trim();
    const numbers = parseVersion(said);
    if (result.code !== 0 || numbers === undefined) {
      return {
        version: undefined,
        problem: `\`pulumi version\` ended with code ${result.code} and said "${(said || result.stderr.trim()).slice(0, 120)}"`,
      };
    }
    const version = numbers.join(".");
    await cache.stamp(pulumi, version);
    return { version };
  } catch (error) {
    if (!(error instanceof Error) || !isErrno(error, "ENOENT", "EACCES", "ENOEXEC", "UNKNOWN")) throw error;
    return { version: undefined, problem: `it cannot be run: ${error.message}` };
  }
}

async function download(
  options: ResolveOptions,
  cache: EngineCache,
  failures: Rejection[],
): Promise<ResolvedEngine | undefined> {
  if (options.offline === true) {
    failures.push({ source: "download", reason: "not tried, because downloads are off" });
    return undefined;
  }
  report(options, { phase: "downloading Pulumi", elapsedMs: 0, estimateMs: 30_000 });
  const folder = await cache.temporaryFolder();
  try {
    const pulumi = await (options.download ?? downloadPulumi)({
      folder,
      env: options.env,
      connectTimeoutMs,
      timeoutMs: downloadTimeoutMs,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const { version, problem } = await versionOf(pulumi, options, cache);
    if (version === undefined) throw new DownloadError(`what was downloaded is unusable: ${problem}`);
    const target = join(cache.versionFolder(version));
    await rm(target, { recursive: true, force: true });
    await rename(folder, target);
    const placed = join(target, "bin", "pulumi");
    await cache.stamp(placed, version);
    return await resolved(placed, version, "download");
  } catch (error) {
    if (!(error instanceof DownloadError)) throw error;
    failures.push({ source: "download", reason: error.message });
    return undefined;
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function build(options: ResolveOptions, cache: EngineCache, failures: Rejection[]): Promise<ResolvedEngine> {
  const pulumi = await buildRecipe(options, cache, engineRecipe, builtPulumiVersion, failures);
  if (pulumi === undefined) throw missing(failures);
  const { version, problem } = await versionOf(pulumi, options, cache);
  if (version === undefined)
    throw missing([...failures, { source: "build", path: pulumi, reason: problem ?? "no version" }]);
  return await resolved(pulumi, version, "build");
}

async function buildRecipe(
  options: ResolveOptions,
  cache: EngineCache,
  recipe: GoRecipe,
  version: string,
  failures: Rejection[],
): Promise<string | undefined> {
  const found = await findGo(options.env, options.signal);
  if ("problem" in found) {
    failures.push({ source: "build", reason: found.problem });
    return undefined;
  }
  const started = performance.now();
  const say = (percent: number) =>
    report(options, {
      phase: `building ${recipe.label} from Go modules`,
      percent,
      elapsedMs: performance.now() - started,
      estimateMs: recipe.estimateMs,
    });
  say(0);
  const folder = await cache.temporaryFolder();
  try {
    const binary = await buildWithGo({
      recipe,
      go: found.go,
      folder,
      env: options.env,
      onPercent: say,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    return await cache.place(binary, version, recipe.binary);
  } catch (error) {
    if (!(error instanceof GoBuildError)) throw error;
    failures.push({ source: "build", reason: error.message });
    return undefined;
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function whileLocked<T>(options: ResolveOptions, cache: EngineCache, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const release = await takeMakerLock({
    path: join(cache.folder, "lock"),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onWait: ({ pid }) =>
      report(options, { phase: `waiting for process ${pid}, which makes it`, elapsedMs: performance.now() - started }),
  });
  try {
    return await work();
  } finally {
    await release();
  }
}

async function resolved(pulumi: string, version: string, source: ResolvedEngine["source"]): Promise<ResolvedEngine> {
  const languageHost = join(dirname(await realpath(pulumi)), languageHostRecipe.binary);
  return { pulumi, version, source, ...((await isFile(languageHost)) ? { languageHost } : {}) };
}

async function firstOnPath(env: ResolveOptions["env"], name: string): Promise<string | undefined> {
  for (const folder of (env["PATH"] ?? "").split(delimiter)) {
    // A relative entry means the current folder, which is not where an engine is to be taken from.
    if (folder.startsWith("/") && (await isFile(join(folder, name)))) return join(folder, name);
  }
  return undefined;
}

function cacheOf(options: ResolveOptions): EngineCache {
  return new EngineCache(options.cacheDirectory ?? defaultCacheDirectory(options.env));
}

function report(options: ResolveOptions, progress: EngineProgress): void {
  options.onProgress?.(progress);
}

/** Says what was tried, why each failed, and what to install. */
function missing(failures: readonly Rejection[], cause?: unknown): SwitchyardError {
  const onPath = failures.some(({ source }) => source === "path");
  const tried = [
    ...(onPath ? [] : ["PATH: no pulumi"]),
    ...failures.map(({ source, path, reason }) => `${source}: ${path === undefined ? "" : `${path}: `}${reason}`),
  ];
  return new SwitchyardError("engine-missing", {
    message: `No Pulumi engine of version ${minimumPulumiVersion} or newer was found or could be made (${tried.join("; ")})`,
    next: [
      "Install Pulumi: https://www.pulumi.com/docs/install/",
      "Or install Go 1.26 or newer (https://go.dev/dl/) and run the command again; Switchyard then builds the engine, once, in about 2 minutes.",
    ],
    data: { tried: failures },
    ...(cause === undefined ? {} : { cause }),
  });
}
