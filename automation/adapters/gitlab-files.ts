/** All YAML and JSON files of a commit by one archive, and to the byte also where attributes let archives differ from commits. */
import { SwitchyardError } from "../errors.ts";
import type { HostedFile } from "../ports/git-host.ts";
import { blobId, changesArchives, readArchive, textOf as utf8 } from "./archive-files.ts";
import { treeReply } from "./gitlab-replies.ts";

export interface FileSource {
  archive(repository: string, commit: string, signal: AbortSignal | undefined): Promise<Blob>;
  /** undefined when it is not there. */
  raw(
    repository: string,
    path: string,
    ref: string,
    signal: AbortSignal | undefined,
  ): Promise<Blob | string | undefined>;
  /** Everything at a commit, of every page. */
  tree(repository: string, ref: string, signal: AbortSignal | undefined): Promise<unknown>;
  blob(repository: string, id: string, signal: AbortSignal | undefined): Promise<Blob>;
  error(why: string, cause?: unknown): Error;
}

/** Larger than any manifest that a cluster takes. */
const bounds = { total: 1024 * 1024 * 1024, file: 8 * 1024 * 1024 };
/** Commits whose files are kept: they do not change, and GitLab gives out few archives a minute. */
const kept = 4;

const isAttributes = (path: string): boolean => path === ".gitattributes" || path.endsWith("/.gitattributes");
const isWanted = (path: string): boolean => /\.(ya?ml|json)$/i.test(path);

export const textOf = async (body: Blob | string): Promise<string | undefined> =>
  typeof body === "string" ? body : utf8(new Uint8Array(await body.arrayBuffer()));

export function archiveReader(source: FileSource) {
  const known = new Map<string, Promise<readonly HostedFile[]>>();

  /** Files by the ids of their contents: an archive's where it is the same, else the content itself. */
  const exact = async (
    archived: ReadonlyMap<string, Buffer>,
    repository: string,
    commit: string,
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<string, Buffer>> => {
    const tree = treeReply.safeParse(await source.tree(repository, commit, signal));
    if (!tree.success) throw source.error("its list of files is not understood");
    const files = new Map<string, Buffer>();
    for (const { id, path, type, mode } of tree.data) {
      // 120000 is a link.
      if (type !== "blob" || mode === "120000" || !isWanted(path)) continue;
      const bytes = archived.get(path);
      const same = bytes !== undefined && blobId(bytes, id) === id;
      const content = same ? bytes : Buffer.from(await (await source.blob(repository, id, signal)).arrayBuffer());
      if (blobId(content, id) !== id) throw source.error(`${path} is not what the commit says`);
      if (content.byteLength <= bounds.file) files.set(path, content);
    }
    return files;
  };

  const read = async (repository: string, commit: string, signal: AbortSignal | undefined) => {
    const bytes = new Uint8Array(await (await source.archive(repository, commit, signal)).arrayBuffer());
    let archive: Awaited<ReturnType<typeof readArchive>>;
    try {
      archive = await readArchive(bytes, (path) => isWanted(path) || isAttributes(path), bounds);
    } catch (thrown) {
      if (!(thrown instanceof Error)) throw thrown;
      throw source.error(`its archive cannot be read: ${thrown.message}`, thrown);
    }
    if (/^[0-9a-f]{40,64}$/.test(commit) && archive.commit !== undefined && archive.commit !== commit)
      throw source.error(`it gave the archive of ${archive.commit}`);
    const attributes = [...archive.files]
      .filter(([path]) => isAttributes(path))
      .map(([, content]) => content.toString());
    // It may be left out of archives by itself.
    if (!archive.files.has(".gitattributes")) {
      const root = await source.raw(repository, ".gitattributes", commit, signal);
      attributes.push(root === undefined ? "" : ((await textOf(root)) ?? ""));
    }
    const files = attributes.some(changesArchives)
      ? await exact(archive.files, repository, commit, signal)
      : archive.files;
    return [...files].flatMap(([path, content]): readonly HostedFile[] => {
      const text = isWanted(path) ? utf8(content) : undefined;
      // What is no UTF-8 is binary, whatever its name says.
      return text === undefined || text.includes("\0") ? [] : [{ path, text }];
    });
  };

  return async (
    repository: string,
    commit: string,
    signal: AbortSignal | undefined,
  ): Promise<readonly HostedFile[]> => {
    const key = `${repository} ${commit}`;
    const found = known.get(key);
    if (found !== undefined) {
      // The ones that are asked for stay.
      known.delete(key);
      known.set(key, found);
      try {
        return await found;
      } catch (thrown) {
        // Who asked first has stopped, which is nobody else's end.
        if (signal?.aborted === true || thrown instanceof SwitchyardError) throw thrown;
      }
    }
    const files = read(repository, commit, signal);
    known.set(key, files);
    for (const oldest of [...known.keys()].slice(0, Math.max(0, known.size - kept))) known.delete(oldest);
    files.catch(() => {
      if (known.get(key) === files) known.delete(key);
    });
    return files;
  };
}
