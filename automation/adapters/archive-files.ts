/** Files of a tar.gz archive, read in memory: nothing is unpacked, and what does not fit its bounds is refused. */
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { Parser, type ReadEntry } from "tar";

export interface ArchiveBounds {
  /** Bytes of the archive when it is not compressed any more. */
  readonly total: number;
  /** Bytes of a file; larger ones are left out. */
  readonly file: number;
}

/** By path below the archive's one folder. */
export type ArchiveFiles = ReadonlyMap<string, Buffer>;

export interface Archive {
  readonly files: ArchiveFiles;
  /** The commit that `git archive` wrote into it; undefined when it wrote none. */
  readonly commit: string | undefined;
}

/** A path that stays below the folder that it is in. */
const isSafe = (path: string): boolean =>
  path !== "" &&
  !path.includes("\0") &&
  !path.includes("\\") &&
  path.split("/").every((part) => part !== "" && part !== "." && part !== "..");

/** Plain files that `wanted` asks for; links, folders and devices are none. Errors: Error that says what is wrong with the archive. */
export async function readArchive(
  bytes: Uint8Array,
  wanted: (path: string) => boolean,
  bounds: ArchiveBounds,
): Promise<Archive> {
  const plain = await promisify(gunzip)(bytes, { maxOutputLength: bounds.total });
  const files = new Map<string, Buffer>();
  let commit: string | undefined;
  await new Promise<void>((resolve, reject) => {
    const parser = new Parser({ strict: true });
    parser.on("entry", (entry: ReadEntry) => {
      commit ??= entry.globalExtended?.comment;
      const path = entry.path.slice(entry.path.indexOf("/") + 1);
      if (!["File", "OldFile"].includes(entry.type) || !isSafe(path) || !wanted(path) || entry.size > bounds.file) {
        entry.resume();
        return;
      }
      const parts: Buffer[] = [];
      entry.on("data", (part: Buffer) => parts.push(part));
      entry.on("end", () => files.set(path, Buffer.concat(parts)));
    });
    parser.on("end", () => resolve());
    parser.on("error", reject);
    parser.end(plain);
  });
  return { files, commit };
}

/** The text, with its byte order mark; undefined when it is not UTF-8. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** Id of the content as Git has it; `like` says which hash the repository uses. */
export function blobId(bytes: Uint8Array, like: string): string {
  return createHash(like.length === 64 ? "sha256" : "sha1")
    .update(`blob ${bytes.byteLength}\0`)
    .update(bytes)
    .digest("hex");
}

/** Attributes by which `git archive` leaves files out or changes their bytes. */
const changing = /(^|\s)(export-ignore|export-subst|ident|eol=crlf|filter=\S|working-tree-encoding=\S)/;

/** Whether a `.gitattributes` lets an archive differ from the commit. */
export const changesArchives = (attributes: string): boolean =>
  attributes.split("\n").some((line) => !line.trimStart().startsWith("#") && changing.test(line));
