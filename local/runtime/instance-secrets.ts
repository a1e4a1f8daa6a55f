import { mkdirSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import { type AccessSecret, SecretUnavailableError } from "../secrets/secret-file.ts";
import type { InstanceSpec } from "./runtime.ts";

export interface GivenSecrets {
  /** The spec with its secrets as variables; those that name a folder of secrets name the one on this machine. */
  readonly spec: InstanceSpec;
  /** To be called when the instance has ended. */
  readonly remove: () => Promise<void>;
}

/**
 * Reads all secrets of an instance and writes those that are files below `base`, for the user of this process alone. Nothing is written
 * when one of them is not there. Errors: SecretUnavailableError.
 */
export function giveSecrets(spec: InstanceSpec, accessSecret: AccessSecret | undefined, base: string): GivenSecrets {
  const { secretEnv = {}, secretFolders = {} } = spec;
  const access = (version: string): string => {
    if (accessSecret === undefined) throw new SecretUnavailableError("This runtime has no Secret Manager.");
    return accessSecret(version);
  };
  const read = (secrets: Readonly<Record<string, string>>) =>
    Object.entries(secrets).map(([name, version]) => [name, access(version)] as const);
  const variables = read(secretEnv);
  const folders = Object.entries(secretFolders).map(([mountPath, files]) => ({ mountPath, files: read(files) }));
  if (folders.length === 0)
    return { spec: { ...spec, env: { ...spec.env, ...Object.fromEntries(variables) } }, remove: async () => {} };

  const root = path.join(base, spec.name);
  const places = folders.map(({ mountPath, files }, index) => {
    const place = path.join(root, String(index));
    mkdirSync(place, { recursive: true, mode: 0o700 });
    for (const [name, value] of files) writeFileSync(path.join(place, name), value, { mode: 0o600 });
    return { mountPath, place };
  });
  // A process sees the machine's files: what would be mounted lies elsewhere, and the variables have to say so.
  const moved = Object.entries(spec.env).map(([name, value]) => {
    const found = places.find(({ mountPath }) => value === mountPath || value.startsWith(`${mountPath}/`));
    return [name, found === undefined ? value : `${found.place}${value.slice(found.mountPath.length)}`] as const;
  });
  return {
    spec: { ...spec, env: { ...Object.fromEntries(moved), ...Object.fromEntries(variables) } },
    remove: () => rm(root, { recursive: true, force: true, maxRetries: 3 }),
  };
}
