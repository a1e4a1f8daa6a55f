import { randomUUID } from "node:crypto";
import { copyFile, link, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { SwitchyardError } from "../errors.ts";
import type { FileSystem } from "../ports/file-system.ts";
import { isErrno } from "./process-facts.ts";

/** The disk, with what is written on it when a call resolves. */
export const nodeFileSystem: FileSystem = {
  async read(path) {
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      if (isErrno(error, "ENOENT")) return undefined;
      throw diskError(error, path);
    }
  },

  async readBytes(path) {
    try {
      return await readFile(path);
    } catch (error) {
      if (isErrno(error, "ENOENT")) return undefined;
      throw diskError(error, path);
    }
  },

  async writeAtomic(path, text, mode = 0o644) {
    const temporary = `${path}.${randomUUID()}`;
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeAndSync(temporary, "wx", text, mode);
      await rename(temporary, path);
      await syncFolder(dirname(path));
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw diskError(error, path);
    }
  },

  async append(path, text) {
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeAndSync(path, "a", text, 0o644);
    } catch (error) {
      throw diskError(error, path);
    }
  },

  async writeAt(path, position, text) {
    try {
      await mkdir(dirname(path), { recursive: true });
      const created = await createIfAbsent(path);
      const file = await open(path, "r+");
      try {
        const bytes = Buffer.from(text);
        for (let done = 0; done < bytes.length; ) {
          const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
          done += bytesWritten;
        }
        await file.sync();
      } finally {
        await file.close();
      }
      if (created) await syncFolder(dirname(path));
    } catch (error) {
      throw diskError(error, path);
    }
  },

  async createExclusive(path, text) {
    const temporary = `${path}.${randomUUID()}`;
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeAndSync(temporary, "wx", text, 0o644);
      // Whoever sees the name sees all of the text, and after a crash in between there is no name.
      await link(temporary, path);
      await syncFolder(dirname(path));
      return true;
    } catch (error) {
      if (isErrno(error, "EEXIST")) return false;
      throw diskError(error, path);
    } finally {
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  },

  async list(folder) {
    try {
      return await readdir(folder);
    } catch (error) {
      if (isErrno(error, "ENOENT")) return [];
      throw diskError(error, folder);
    }
  },

  async remove(path) {
    try {
      await rm(path, { force: true });
    } catch (error) {
      throw diskError(error, path);
    }
  },

  async copy(from, to) {
    try {
      await copyFile(from, to);
    } catch (error) {
      throw diskError(error, to);
    }
  },
};

async function writeAndSync(path: string, flag: "a" | "wx", text: string, mode: number): Promise<void> {
  const file = await open(path, flag, mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function createIfAbsent(path: string): Promise<boolean> {
  try {
    await (await open(path, "wx", 0o644)).close();
    return true;
  } catch (error) {
    if (isErrno(error, "EEXIST")) return false;
    throw error;
  }
}

/** Without it a renamed or new name may be gone after a power cut. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function diskError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !("code" in error)) return error;
  const code = String(error.code);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new SwitchyardError("disk-full", { message: `There is no space left to write ${path}`, cause: error });
  }
  if (code === "EROFS" || code === "EACCES" || code === "EPERM") {
    return new SwitchyardError("disk-read-only", { message: `${path} cannot be written (${code})`, cause: error });
  }
  return new SwitchyardError("disk-error", { message: `${path}: ${error.message}`, cause: error });
}
