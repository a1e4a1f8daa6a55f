/** Secrets that the platform gives as files, one for each variable (GKE), where another gives variables (Cloud Run). */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { SettingsError } from "./settings.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * The variables that KIRO_SECRETS_DIR adds: every file in it by its name. None without it. Errors: SettingsError with all problems, never
 * with a value.
 */
export function readSecrets(env: Variables): Readonly<Record<string, string>> {
  const folder = env["KIRO_SECRETS_DIR"];
  if (folder === undefined) return {};
  const problems: string[] = [];
  const found: Record<string, string> = {};
  for (const name of filesOf(folder)) {
    const value = readValue(join(folder, name));
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) problems.push(`${join(folder, name)} has not the name of a variable`);
    else if (env[name] !== undefined)
      problems.push(`${name} is set already, and ${join(folder, name)} would change it`);
    else if (value instanceof Error) problems.push(`the secret ${name} cannot be read (${value.message})`);
    else found[name] = value;
  }
  if (problems.length > 0) throw new SettingsError(problems);
  return found;
}

function filesOf(folder: string): readonly string[] {
  try {
    // Kubernetes keeps what the names link to beside them, in folders that begin with two dots.
    return readdirSync(folder)
      .filter((name) => !name.startsWith(".."))
      .toSorted();
  } catch (error) {
    throw new SettingsError([`KIRO_SECRETS_DIR cannot be read (${error instanceof Error ? error.message : error})`]);
  }
}

function readValue(path: string): string | Error {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(readFileSync(path));
    return text.includes("\0") ? new Error(`${path} is not text`) : text;
  } catch (error) {
    // A decoder's own message has no place.
    return error instanceof TypeError || !(error instanceof Error) ? new Error(`${path} is not text`) : error;
  }
}
