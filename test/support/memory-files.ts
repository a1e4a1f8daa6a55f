import { SwitchyardError } from "../../automation/errors.ts";
import type { FileSystem } from "../../automation/ports/file-system.ts";

/** Files in memory. `fail` makes writes fail as a full or read-only disk does. */
export interface MemoryFiles extends FileSystem {
  readonly content: Map<string, string>;
  fail(code: "disk-full" | "disk-read-only" | undefined): void;
}

export function createMemoryFiles(): MemoryFiles {
  const content = new Map<string, string>();
  let failing: "disk-full" | "disk-read-only" | undefined;
  const assertWritable = (path: string): void => {
    if (failing !== undefined) throw new SwitchyardError(failing, { message: `${path} cannot be written` });
  };
  return {
    content,
    fail(code) {
      failing = code;
    },
    read: async (path) => content.get(path),
    async writeAtomic(path, text) {
      assertWritable(path);
      content.set(path, text);
    },
    async append(path, text) {
      assertWritable(path);
      content.set(path, (content.get(path) ?? "") + text);
    },
    async readBytes(path) {
      const text = content.get(path);
      return text === undefined ? undefined : Buffer.from(text);
    },
    async writeAt(path, position, text) {
      assertWritable(path);
      const before = Buffer.from(content.get(path) ?? "");
      const written = Buffer.from(text);
      const after = Buffer.alloc(Math.max(before.length, position + written.length));
      before.copy(after);
      written.copy(after, position);
      content.set(path, after.toString());
    },
    async createExclusive(path, text) {
      assertWritable(path);
      if (content.has(path)) return false;
      content.set(path, text);
      return true;
    },
    async list(folder) {
      const names = [...content.keys()].flatMap((path) =>
        path.startsWith(`${folder}/`) ? (path.slice(folder.length + 1).split("/")[0] ?? []) : [],
      );
      return [...new Set(names)];
    },
    async remove(path) {
      assertWritable(path);
      content.delete(path);
    },
    async copy(from, to) {
      assertWritable(to);
      content.set(to, content.get(from) ?? "");
    },
  };
}
