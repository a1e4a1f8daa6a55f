/** The resolver with scripts in place of `pulumi` and `go`, on a PATH and in a cache of their own. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { DownloadError } from "../../../automation/adapters/pulumi-download.ts";
import {
  type EngineProgress,
  lookForEngine,
  type ResolveOptions,
  resolveEngine,
  resolveLanguageHost,
} from "../../../automation/adapters/pulumi-resolver.ts";

interface World {
  readonly home: string;
  readonly bin: string;
  readonly engines: string;
  readonly options: ResolveOptions;
}

/** An empty HOME and a PATH with nothing but what the scripts need. */
async function world(): Promise<World> {
  const home = await mkdtemp(join(tmpdir(), "switchyard-resolver-"));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const bin = join(home, "bin");
  await mkdir(bin);
  const env = { HOME: home, PATH: [bin, "/usr/bin", "/bin"].join(delimiter) };
  const download = async () => {
    throw new DownloadError("the network refuses");
  };
  return { home, bin, engines: join(home, ".cache", "switchyard", "engine"), options: { env, download } };
}

async function script(path: string, body: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}

/** Counts its runs in a file beside it. */
const fakePulumi = (path: string, version: string) => script(path, `echo run >> "${path}.runs"\necho v${version}`);
const runs = (path: string): number =>
  existsSync(`${path}.runs`) ? readFileSync(`${path}.runs`, "utf8").trim().split("\n").length : 0;

/** A go whose build writes a pulumi that says the version; its first argument decides. */
const fakeGo = (bin: string, build = "", version = "go1.26.1") =>
  script(
    join(bin, "go"),
    `case "$1" in
version) echo "go version ${version} linux/amd64" ;;
mod) echo "go: downloading example.com/a v1.0.0" >&2 ;;
build)
  while [ "$1" != "-o" ]; do shift; done
  echo "internal/abi" >&2
  ${build}
  printf '#!/bin/sh\\necho v3.230.0\\n' > "$2"; chmod +x "$2" ;;
esac`,
  );

const leftovers = (world: World): string[] =>
  existsSync(world.engines) ? readdirSync(world.engines).filter((name) => /^\.making|lock|\.stamps/.test(name)) : [];

test("a pulumi on the PATH that is new enough is taken, and run only once in its life", async () => {
  const { bin, options } = await world();
  const pulumi = await fakePulumi(join(bin, "pulumi"), "3.240.0");
  expect(await resolveEngine(options)).toEqual({ pulumi, version: "3.240.0", source: "path" });
  expect(await resolveEngine(options)).toEqual({ pulumi, version: "3.240.0", source: "path" });
  expect(runs(pulumi)).toBe(1);
  await utimes(pulumi, new Date(0), new Date(0));
  await resolveEngine(options);
  expect(runs(pulumi)).toBe(2);
});

test("an old one on the PATH gives way to the newest of the cache", async () => {
  const { bin, engines, options } = await world();
  await fakePulumi(join(bin, "pulumi"), "3.100.0");
  await fakePulumi(join(engines, "3.230.0", "bin", "pulumi"), "3.230.0");
  const newest = await fakePulumi(join(engines, "3.231.0", "bin", "pulumi"), "3.231.0");
  await script(join(engines, "3.231.0", "bin", "pulumi-language-nodejs"), "");
  expect(await resolveEngine(options)).toEqual({
    pulumi: newest,
    version: "3.231.0",
    source: "cache",
    languageHost: join(dirname(newest), "pulumi-language-nodejs"),
  });
});

test("XDG_CACHE_HOME moves the cache", async () => {
  const { home, options } = await world();
  const pulumi = await fakePulumi(join(home, "xdg", "switchyard", "engine", "3.230.0", "bin", "pulumi"), "3.230.0");
  const env = { ...options.env, XDG_CACHE_HOME: join(home, "xdg") };
  expect(await lookForEngine({ ...options, env })).toMatchObject({ pulumi, source: "cache" });
});

test("with no network and no go it says what was tried, why each failed and what to install", async () => {
  const given = await world();
  await fakePulumi(join(given.bin, "pulumi"), "3.9.0");
  const failure = await resolveEngine(given.options).catch((error: unknown) => error);
  expect(failure).toMatchObject({
    code: "engine-missing",
    message: expect.stringMatching(
      /path: .*3\.9\.0, older than 3\.206\.0; download: the network refuses; build: no `go`/,
    ),
    next: [expect.stringContaining("pulumi.com/docs/install"), expect.stringContaining("Go 1.26")],
    data: { tried: [{ source: "path" }, { source: "download" }, { source: "build" }] },
  });
  expect(leftovers(given)).toEqual([]);
  expect(await lookForEngine(given.options)).toBeUndefined();
});

test("a go that is too old is named", async () => {
  const { bin, options } = await world();
  await fakeGo(bin, "", "go1.21.3");
  await expect(resolveEngine(options)).rejects.toThrow(/go is Go 1\.21; 1\.26 or newer is needed/);
});

test("downloads come before builds, are put in place whole and stamped", async () => {
  const given = await world();
  const download = async ({ folder }: { folder: string }) => fakePulumi(join(folder, "bin", "pulumi"), "3.270.0");
  const engine = await resolveEngine({ ...given.options, download });
  expect(engine).toEqual({
    pulumi: join(given.engines, "3.270.0", "bin", "pulumi"),
    version: "3.270.0",
    source: "download",
  });
  expect(await resolveEngine(given.options)).toMatchObject({ source: "cache", version: "3.270.0" });
  expect(leftovers(given)).toEqual([]);
});

test("where nothing else is left it is built from Go modules, with progress", async () => {
  const given = await world();
  await fakeGo(given.bin);
  const seen: EngineProgress[] = [];
  const engine = await resolveEngine({ ...given.options, offline: true, onProgress: (each) => seen.push(each) });
  expect(engine).toMatchObject({ pulumi: join(given.engines, "3.230.0", "bin", "pulumi"), source: "build" });
  expect(seen.at(-1)).toMatchObject({ phase: "building 3.230.0 from Go modules", estimateMs: 115_000 });
  expect((seen.at(-1)?.percent ?? 0) > 0).toBe(true);
  expect(leftovers(given)).toEqual([]);
  const host = await resolveLanguageHost({ ...given.options, engine });
  expect(host).toBe(join(given.engines, "3.230.0", "bin", "pulumi-language-nodejs"));
  expect((await stat(host)).mode & 0o111).not.toBe(0);
});

test("a build that fails shows go's last lines and leaves nothing", async () => {
  const given = await world();
  await fakeGo(given.bin, 'echo "pkg/x.go:1: undefined: y" >&2; exit 1');
  await expect(resolveEngine(given.options)).rejects.toThrow(/build: `go build -v` ended with 1: .*undefined: y/);
  expect(readdirSync(given.engines)).toEqual([]);
});

test("a cancelled build ends go and what go started, and leaves nothing", async () => {
  const given = await world();
  const pidFile = join(given.home, "pids");
  await fakeGo(given.bin, `sleep 600 & echo "$$ $!" > "${pidFile}"; wait`);
  const stop = new AbortController();
  const building = resolveEngine({ ...given.options, signal: stop.signal });
  await vi.waitFor(async () => expect((await readFile(pidFile, "utf8")).trim()).not.toBe(""), 5_000);
  stop.abort(new Error("Ctrl-C"));
  await expect(building).rejects.toThrow("Ctrl-C");
  const pids = (await readFile(pidFile, "utf8")).trim().split(" ").map(Number);
  await vi.waitFor(() => expect(pids.filter(lives)).toEqual([]), 5_000);
  expect(readdirSync(given.engines)).toEqual([]);
});

test("two at once build once", async () => {
  const given = await world();
  await fakeGo(given.bin, `echo built >> "${given.home}/builds"; sleep 0.3`);
  const seen: string[] = [];
  const onProgress = ({ phase }: EngineProgress) => seen.push(phase);
  const engines = await Promise.all([1, 2].map(() => resolveEngine({ ...given.options, onProgress })));
  expect(engines.map(({ source }) => source).sort()).toEqual(["build", "cache"]);
  expect(await readFile(join(given.home, "builds"), "utf8")).toBe("built\n");
  expect(seen).toContain(`waiting for process ${process.pid}, which makes it`);
});

test("what a killed builder left is taken over and swept away", async () => {
  const given = await world();
  await fakeGo(given.bin);
  await mkdir(join(given.engines, ".making-1-abc", "source"), { recursive: true });
  // A process id that nobody has: above the kernel's limit.
  const dead = { pid: 2 ** 22 + 1, startedAt: 0, host: (await import("node:os")).hostname(), nonce: "n" };
  await writeFile(join(given.engines, "lock"), JSON.stringify(dead));
  expect(await resolveEngine(given.options)).toMatchObject({ source: "build" });
  expect(leftovers(given)).toEqual([]);
});

test("a cache that cannot be made is named", async () => {
  const given = await world();
  await writeFile(join(given.home, ".cache"), "a file, no folder");
  await expect(resolveEngine(given.options)).rejects.toMatchObject({
    code: "engine-missing",
    message: expect.stringMatching(/cache: .*switchyard\/engine: ENOTDIR/),
  });
});

function lives(pid: number): boolean {
  const text = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, "utf8") : "";
  return text !== "" && !/\) [ZX] /.test(text);
}
