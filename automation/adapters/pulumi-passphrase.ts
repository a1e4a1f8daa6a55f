/** The passphrase of local stacks: made once, 0600, never shown. */
import { randomBytes, randomUUID } from "node:crypto";
import { access, link, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { isErrno } from "./process-facts.ts";

/** Makes the file with a random passphrase where there is none. Two that come at once agree on one. */
export async function ensurePassphraseFile(path: string): Promise<void> {
  try {
    await access(path);
    return;
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomUUID()}.tmp`;
  await writeFile(temporary, randomBytes(32).toString("base64url"), { mode: 0o600, flush: true });
  try {
    // A link fails where a rename would replace what another process has just made and already used.
    await link(temporary, path);
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}
