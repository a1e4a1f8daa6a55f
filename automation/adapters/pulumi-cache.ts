/**
 * The engines that Switchyard keeps: `<cache>/engine/<version>/bin/{pulumi,pulumi-language-nodejs}`, made elsewhere and moved
 * into place in one step; `<cache>/engine/stamps.json`, what is known of binaries without running them; `<cache>/engine/lock`.
 */
import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { z } from "zod";
import { isErrno } from "./process-facts.ts";
import { parseVersion } from "./pulumi-candidates.ts";

const stampSchema = z.object({ size: z.number(), mtimeMs: z.number(), version: z.string() });
const stampsSchema = z.object({ schema: z.literal(1), binaries: z.record(z.string(), stampSchema) });
type Stamps = z.infer<typeof stampsSchema>["binaries"];

/** `${XDG_CACHE_HOME:-~/.cache}/switchyard`. */
export function defaultCacheDirectory(env: Readonly<Record<string, string | undefined>>): string {
  const xdg = env["XDG_CACHE_HOME"];
  const home = env["HOME"] ?? homedir();
  return join(xdg?.startsWith("/") ? xdg : join(home, ".cache"), "switchyard");
}

export class EngineCache {
  readonly folder: string;

  constructor(cacheDirectory: string) {
    this.folder = join(cacheDirectory, "engine");
  }

  /** Where a version's `bin` folder is or will be. */
  versionFolder(version: string): string {
    return join(this.folder, version);
  }

  /** The cached `pulumi` binaries. */
  async engines(): Promise<readonly string[]> {
    let names: string[];
    try {
      names = await readdir(this.folder);
    } catch (error) {
      if (isErrno(error, "ENOENT", "ENOTDIR", "EACCES")) return [];
      throw error;
    }
    const found = await Promise.all(
      names
        .filter((name) => parseVersion(name) !== undefined)
        .map(async (name) => {
          const path = join(this.folder, name, "bin", "pulumi");
          return (await isFile(path)) ? path : undefined;
        }),
    );
    return found.filter((path) => path !== undefined);
  }

  /** The version that was stamped for exactly this file; undefined when it was never seen or has changed since. */
  async stampedVersion(path: string): Promise<string | undefined> {
    const [real, stamps] = await Promise.all([realpath(path), this.readStamps()]);
    const stamp = Object.hasOwn(stamps, real) ? stamps[real] : undefined;
    if (stamp === undefined) return undefined;
    const { size, mtimeMs } = await stat(real);
    return stamp.size === size && stamp.mtimeMs === mtimeMs ? stamp.version : undefined;
  }

  /** Remembers the version; a cache that cannot be written costs a run of the binary each time, and nothing else. */
  async stamp(path: string, version: string): Promise<void> {
    const real = await realpath(path);
    const { size, mtimeMs } = await stat(real);
    const binaries: Stamps = { ...(await this.readStamps()), [real]: { size, mtimeMs, version } };
    try {
      await mkdir(this.folder, { recursive: true });
      const temporary = join(this.folder, `.stamps-${randomUUID()}`);
      await writeFile(temporary, `${JSON.stringify({ schema: 1, binaries }, undefined, 2)}\n`);
      await rename(temporary, join(this.folder, "stamps.json"));
    } catch (error) {
      if (!isErrno(error, "EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "ENOTDIR")) throw error;
    }
  }

  /** An empty folder on the same file system as the cache. */
  async temporaryFolder(): Promise<string> {
    const folder = join(this.folder, `.making-${process.pid}-${randomUUID().slice(0, 8)}`);
    await mkdir(folder, { recursive: true });
    return folder;
  }

  /** Moves a finished file into a version's `bin` folder, replacing one of that name; never half there. */
  async place(file: string, version: string, name: string): Promise<string> {
    const target = join(this.versionFolder(version), "bin", name);
    await mkdir(dirname(target), { recursive: true });
    await rename(file, target);
    return target;
  }

  /** Removes what interrupted makers left. Only for the holder of the lock. */
  async sweep(): Promise<void> {
    for (const name of await readdir(this.folder)) {
      if (name.startsWith(".making-")) await rm(join(this.folder, name), { recursive: true, force: true });
    }
  }

  /** A stamp file that cannot be read says nothing; it is written anew. */
  private async readStamps(): Promise<Stamps> {
    try {
      const text = await readFile(join(this.folder, "stamps.json"), "utf8");
      const parsed = stampsSchema.safeParse(JSON.parse(text));
      return parsed.success ? parsed.data.binaries : {};
    } catch (error) {
      if (error instanceof SyntaxError || isErrno(error, "ENOENT", "ENOTDIR", "EACCES")) return {};
      throw error;
    }
  }
}

export async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "EACCES", "ELOOP")) return false;
    throw error;
  }
}
