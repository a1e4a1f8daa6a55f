/** Archives for tests, also such as Git never makes. */
import { gzipSync } from "node:zlib";
import { Header, Pax } from "tar";

export interface ArchiveEntry {
  readonly path: string;
  readonly body?: string | Buffer;
  readonly type?: "File" | "SymbolicLink" | "Link" | "Directory";
  readonly linkpath?: string;
}

/** As `git archive` makes it. `comment`: the commit that it is of. */
export function tarGz(entries: readonly ArchiveEntry[], comment?: string): Uint8Array {
  const blocks: Buffer[] = [];
  if (comment !== undefined) blocks.push(new Pax({ path: "pax_global_header", comment }, true).encode());
  for (const { path, body = "", type = "File", linkpath } of entries) {
    const bytes = Buffer.from(body);
    const header = new Header({
      path,
      type,
      size: bytes.length,
      mode: 0o644,
      mtime: new Date(0),
      ...(linkpath === undefined ? {} : { linkpath }),
    });
    if (header.encode()) blocks.push(new Pax({ path }, false).encode());
    blocks.push(header.block ?? Buffer.alloc(0), bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512));
  }
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1_024)]));
}
