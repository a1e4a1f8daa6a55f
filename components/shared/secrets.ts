import { isSecretName, literalSecret } from "./literal-secret.ts";
import { parseSecretVersion, type SecretVersion, secretForm } from "./secret-version.ts";
import { hiddenValue, type Problem } from "./validation.ts";

/** Environment variables by the version of the secret in Secret Manager that holds their value. */
export type SecretReferences = Readonly<Record<string, string>>;

/** All problems; what may be the secret itself is not repeated. */
export function secretProblems(secrets: SecretReferences, environment: Readonly<Record<string, unknown>>): Problem[] {
  return Object.entries(secrets).flatMap(([name, reference]): Problem[] => {
    const path = `secrets.${name}`;
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return [{ path, value: name, allowed: "the name of a variable" }];
    if (parseSecretVersion(reference) === undefined) return [{ path, value: hiddenValue, allowed: secretForm }];
    if (Object.hasOwn(environment, name))
      return [{ path, value: reference, allowed: `only one of environment.${name} and secrets.${name}` }];
    return [];
  });
}

/** Every secret once, whatever versions of it are read. */
export function distinctSecrets(secrets: SecretReferences): readonly SecretVersion[] {
  const versions = Object.values(secrets).flatMap((reference) => parseSecretVersion(reference) ?? []);
  return [...new Map(versions.map((one) => [`${one.project}/${one.secret}`, one])).values()];
}

/** What a message of a secret in clear has, and no other. */
export const noSecretInClear = "no secret in clear";

/** Variables that are secrets in clear. */
export function literalSecretProblems(environment: Readonly<Record<string, unknown>>): Problem[] {
  return Object.entries(environment).flatMap(([name, value]): Problem[] => {
    const why =
      typeof value === "string"
        ? literalSecret(name, value)
        : isSecretName(name)
          ? "has the name of a secret"
          : undefined;
    if (why === undefined) return [];
    const allowed = `${noSecretInClear} (it ${why}): give its name in Secret Manager in secrets instead`;
    return [{ path: `environment.${name}`, value: hiddenValue, allowed }];
  });
}
