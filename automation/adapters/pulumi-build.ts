/** Builds the engine from its Go modules, where it can be neither found nor downloaded. */
import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { isFile } from "./pulumi-cache.ts";
import { builtPulumiVersion } from "./pulumi-candidates.ts";
import { killGroup } from "./pulumi-process.ts";

export interface GoRecipe {
  readonly binary: "pulumi" | "pulumi-language-nodejs";
  /** For people: what is built. */
  readonly label: string;
  readonly goMod: string;
  readonly ldflags: string;
  readonly package: string;
  /** Lines that go prints for an empty module and build cache: modules downloaded, packages compiled. */
  readonly expected: { readonly modules: number; readonly packages: number };
  /** On two cores with empty caches, ms. */
  readonly estimateMs: number;
}

/** The module that holds the command replaces one of its dependencies; a module that requires it has to repeat that. */
export const engineRecipe: GoRecipe = {
  binary: "pulumi",
  label: builtPulumiVersion,
  goMod: `module pulumicli

go 1.26

require (
	github.com/pulumi/pulumi/pkg/v3 v${builtPulumiVersion}
	github.com/pulumi/pulumi/sdk/v3 v${builtPulumiVersion}
)

replace github.com/atotto/clipboard => github.com/tgummerer/clipboard v0.0.0-20241001131231-d02d263e614e

tool github.com/pulumi/pulumi/pkg/v3/cmd/pulumi
`,
  // A release sets the version when it links; without it the binary calls itself 3.0.0-dev.
  ldflags: `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${builtPulumiVersion}`,
  package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
  expected: { modules: 330, packages: 1_450 },
  estimateMs: 115_000,
};

/** Newer SDK modules hold the language host in a module of its own that cannot be had; this one works with engine 3.230. */
export const languageHostRecipe: GoRecipe = {
  binary: "pulumi-language-nodejs",
  label: "the Node language host",
  goMod: `module pulumilanguage

go 1.26

require github.com/pulumi/pulumi/sdk/v3 v3.66.0

tool github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs
`,
  ldflags: "-s -w",
  package: "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
  expected: { modules: 110, packages: 290 },
  estimateMs: 18_000,
};

const minimumGo: readonly [number, number] = [1, 26];

export interface BuildOptions {
  readonly recipe: GoRecipe;
  /** The `go` binary. */
  readonly go: string;
  /** An empty folder; the result is `<folder>/<binary>`. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onPercent?: (percent: number) => void;
  readonly signal?: AbortSignal;
}

/** `go` ended with an error. */
export class GoBuildError extends Error {
  constructor(args: readonly string[], code: number | string, lastLines: readonly string[]) {
    super(`\`go ${args.slice(0, 2).join(" ")}\` ended with ${code}: ${lastLines.join(" | ")}`);
    this.name = "GoBuildError";
  }
}

/** A go that is new enough, or why there is none. */
export async function findGo(
  env: Readonly<Record<string, string | undefined>>,
  signal?: AbortSignal,
): Promise<{ readonly go: string } | { readonly problem: string }> {
  for (const folder of (env["PATH"] ?? "").split(delimiter)) {
    const go = join(folder, "go");
    if (folder === "" || !(await isFile(go))) continue;
    const lines: string[] = [];
    await runGo({
      go,
      args: ["version"],
      cwd: folder,
      env,
      onLine: (line) => lines.push(line),
      ...(signal ? { signal } : {}),
    });
    const match = /\bgo(\d+)\.(\d+)/.exec(lines.join(" "));
    const [major, minor] = [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0)];
    if (major > minimumGo[0] || (major === minimumGo[0] && minor >= minimumGo[1])) return { go };
    return { problem: `${go} is Go ${major}.${minor}; ${minimumGo.join(".")} or newer is needed` };
  }
  return { problem: `no \`go\` on the PATH (${minimumGo.join(".")} or newer is needed)` };
}

/** Builds the recipe's binary; returns its path. Errors: GoBuildError; the signal's reason when aborted. */
export async function buildWithGo(options: BuildOptions): Promise<string> {
  const { recipe, go, folder, signal } = options;
  const source = join(folder, "source");
  const target = join(folder, recipe.binary);
  await mkdir(source);
  await writeFile(join(source, "go.mod"), recipe.goMod);
  const progress = new BuildProgress(recipe.expected);
  const onLine = (line: string) => options.onPercent?.(progress.take(line));
  const env = {
    ...options.env,
    GOFLAGS: "-mod=mod",
    // A newer toolchain is never downloaded, and a workspace or repository around the cache has no say.
    GOTOOLCHAIN: "local",
    GOWORK: "off",
  };
  const rest = { go, cwd: source, env, onLine, ...(signal === undefined ? {} : { signal }) };
  await runGo({ ...rest, args: ["mod", "tidy"] });
  progress.modulesAreThere();
  await runGo({
    ...rest,
    args: ["build", "-v", "-buildvcs=false", "-trimpath", "-ldflags", recipe.ldflags, "-o", target, recipe.package],
  });
  return target;
}

/** Percent from go's lines: downloads are a third of the work, compiling the rest. Never goes back, and ends at 99. */
export class BuildProgress {
  private readonly expected: { readonly modules: number; readonly packages: number };
  private modules = 0;
  private packages = 0;
  private percent = 0;

  constructor(expected: { readonly modules: number; readonly packages: number }) {
    this.expected = expected;
  }

  take(line: string): number {
    if (line.startsWith("go: downloading ")) this.modules += 1;
    else if (/^[a-z][\w.-]*(\/[\w.~-]+)*$/i.test(line)) this.packages += 1;
    return this.value();
  }

  modulesAreThere(): void {
    this.modules = this.expected.modules;
    this.value();
  }

  private value(): number {
    const modules = Math.min(1, this.modules / this.expected.modules);
    const packages = Math.min(1, this.packages / this.expected.packages);
    this.percent = Math.max(this.percent, Math.min(99, Math.round(33 * modules + 67 * packages)));
    return this.percent;
  }
}

interface GoRun {
  readonly go: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onLine: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** go and its compilers are one process group, so that a cancelled build ends whole. */
function runGo(run: GoRun): Promise<void> {
  run.signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn(run.go, [...run.args], {
      cwd: run.cwd,
      env: run.env,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const last: string[] = [];
    const take = (line: string) => {
      last.push(line);
      if (last.length > 3) last.shift();
      run.onLine(line);
    };
    createInterface({ input: child.stdout }).on("line", take);
    createInterface({ input: child.stderr }).on("line", take);
    // A build has nothing to save: its folder is thrown away.
    const onAbort = () => killGroup(child);
    run.signal?.addEventListener("abort", onAbort, { once: true });
    const settle = (outcome: () => void) => {
      run.signal?.removeEventListener("abort", onAbort);
      outcome();
    };
    child.once("error", (error) => settle(() => reject(error)));
    child.once("close", (code, signalName) =>
      settle(() => {
        if (run.signal?.aborted) reject(run.signal.reason);
        else if (code === 0) resolve();
        else reject(new GoBuildError(run.args, code ?? signalName ?? "no code", last));
      }),
    );
  });
}
