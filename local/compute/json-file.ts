import { createHash } from "node:crypto";
import { mkdir, open, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { z } from "zod";

/** A state file that is not what we wrote. It is left as it is, with a copy beside it. */
export class CorruptFileError extends Error {
  readonly path: string;
  readonly copy: string;

  constructor(path: string, copy: string, why: string, options?: ErrorOptions) {
    super(`${path} cannot be used: ${why} A copy is kept at ${copy}.`, options);
    this.name = "CorruptFileError";
    this.path = path;
    this.copy = copy;
  }
}

/** One JSON document on disk with a copy in memory; what is in memory is on disk. */
export interface JsonFile<T extends { readonly version: number }> {
  readonly value: T;
  /**
   * Applies a change after all earlier ones; resolves when it is on disk. A change that throws rejects and alters nothing.
   * Changes that wait for the disk together are written together.
   */
  update(change: (value: T) => T): Promise<T>;
}

interface Pending<T> {
  readonly change: (value: T) => T;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

/** Opens or begins the file. Errors: CorruptFileError; those of the disk. */
export async function openJsonFile<T extends { readonly version: number }>(
  path: string,
  schema: z.ZodType<T>,
  initial: T,
): Promise<JsonFile<T>> {
  let value = await load(path, schema, initial);
  let pending: Pending<T>[] = [];
  let writing = false;

  async function flush(): Promise<void> {
    writing = true;
    try {
      while (pending.length > 0) await flushOnce();
    } finally {
      writing = false;
    }
  }

  async function flushOnce(): Promise<void> {
    const batch = pending;
    pending = [];
    const accepted: Pending<T>[] = [];
    let next = value;
    for (const entry of batch) {
      try {
        next = entry.change(next);
        accepted.push(entry);
      } catch (error) {
        entry.reject(error);
      }
    }
    if (accepted.length === 0) return;
    try {
      if (next !== value) await writeAtomic(path, `${JSON.stringify(next, undefined, 1)}\n`);
    } catch (error) {
      for (const entry of accepted) entry.reject(error);
      return;
    }
    value = next;
    for (const entry of accepted) entry.resolve(next);
  }

  return {
    get value() {
      return value;
    },
    update: (change) =>
      new Promise<T>((resolve, reject) => {
        pending.push({ change, resolve, reject });
        if (!writing) void flush();
      }),
  };
}

/** Temporary file, fsync, rename, fsync of the folder. */
export async function writeAtomic(path: string, text: string, mode = 0o600): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const temporary = `${path}.new`;
  const file = await open(temporary, "w", mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const directory = await open(folder, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function load<T extends { readonly version: number }>(
  path: string,
  schema: z.ZodType<T>,
  initial: T,
): Promise<T> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return initial;
    throw error;
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw await corrupt(path, text, "it is not JSON.", error);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw await corrupt(path, text, `${issue?.path.join(".") || "the document"}: ${issue?.message}.`, parsed.error);
}

async function corrupt(path: string, text: string, why: string, cause: unknown): Promise<CorruptFileError> {
  // Named by content, so that starting again and again keeps one copy.
  const copy = `${path}.corrupt-${createHash("sha256").update(text).digest("hex").slice(0, 8)}`;
  await writeFile(copy, text, { mode: 0o600 });
  return new CorruptFileError(path, copy, why, { cause });
}
