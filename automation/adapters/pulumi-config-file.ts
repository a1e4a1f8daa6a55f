/**
 * Edits `Pulumi.<stack>.yaml`, the file that the plain CLI uses. A `pulumi config set-all` costs 0.10 s a time and rewrites the
 * file always; the edit costs 1 ms, keeps comments, and leaves an unchanged file alone.
 */
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type Document, isMap, parseDocument } from "yaml";
import { SwitchyardError } from "../errors.ts";
import type { ConfigValues } from "../ports/stack-engine.ts";
import { nodeFileSystem } from "./node-file-system.ts";

export type ConfigEdit =
  | { readonly kind: "unchanged" }
  | { readonly kind: "changed"; readonly text: string; readonly keys: readonly string[] }
  /** Keys that the file keeps encrypted: a value in clear must not take their place. */
  | { readonly kind: "encrypted"; readonly keys: readonly string[] }
  | { readonly kind: "invalid"; readonly problem: string };

export function stackConfigPath(root: string, stack: string): string {
  return join(root, `Pulumi.${stack}.yaml`);
}

/** Pure: what the file's text becomes when these settings are put in. Settings that are not named stay. */
export function editConfig(text: string, config: ConfigValues): ConfigEdit {
  const document: Document = parseDocument(text);
  const [problem] = document.errors;
  if (problem !== undefined) return { kind: "invalid", problem: problem.message };
  if (document.contents !== null && !isMap(document.contents)) return { kind: "invalid", problem: "it is not a map" };
  const section = document.get("config");
  if (section !== undefined && section !== null && !isMap(section)) {
    return { kind: "invalid", problem: "`config` is not a map" };
  }
  const wanted = Object.entries(config);
  const current = isMap(section) ? (section.toJSON() as Record<string, unknown>) : {};
  const encrypted = wanted.filter(([key]) => holdsSecret(current[key])).map(([key]) => key);
  if (encrypted.length > 0) return { kind: "encrypted", keys: encrypted };
  const changed = wanted.filter(([key, value]) => !sameSetting(current[key], value));
  if (changed.length === 0) return { kind: "unchanged" };
  if (!isMap(section)) document.set("config", document.createNode({}));
  for (const [key, value] of changed) {
    // A scalar put into the node that is there keeps the node's comment.
    document.setIn(["config", key], typeof value === "object" ? document.createNode(value) : value);
  }
  return { kind: "changed", text: document.toString({ lineWidth: 0 }), keys: changed.map(([key]) => key) };
}

/** The engine reads scalars as text, so `8080` and `"8080"` are one setting. */
function sameSetting(current: unknown, wanted: unknown): boolean {
  if (current === undefined) return false;
  if (typeof current !== "object" && typeof wanted !== "object") return String(current) === String(wanted);
  return isDeepStrictEqual(current, JSON.parse(JSON.stringify(wanted)));
}

function holdsSecret(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(holdsSecret);
  if (typeof value !== "object" || value === null) return false;
  return ("secure" in value && Object.keys(value).length === 1) || Object.values(value).some(holdsSecret);
}

/**
 * Puts the settings into the stack's file, atomically; returns the keys that changed.
 * Errors: invalid-config (unreadable file, or an encrypted setting that would be replaced by one in clear), disk-*.
 */
export async function writeStackConfig(root: string, stack: string, config: ConfigValues): Promise<readonly string[]> {
  const path = stackConfigPath(root, stack);
  const text = (await nodeFileSystem.read(path)) ?? "";
  const edit = editConfig(text, config);
  switch (edit.kind) {
    case "unchanged":
      return [];
    case "invalid":
      throw new SwitchyardError("invalid-config", { message: `${path} cannot be read: ${edit.problem}` });
    case "encrypted":
      throw new SwitchyardError("invalid-config", {
        message: `${path} keeps ${edit.keys.join(", ")} encrypted, and a value in clear would take its place`,
        next: edit.keys.map((key) => `Set it yourself: pulumi config set --secret ${key} VALUE --stack ${stack}`),
      });
    case "changed":
      await nodeFileSystem.writeAtomic(path, edit.text, 0o644);
      return edit.keys;
  }
}
