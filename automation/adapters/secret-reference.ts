/**
 * A secret by where it is: the name of a variable, `file:PATH` that only its owner can read, `secrets-manager:NAME[#KEY]` of AWS, or
 * `secret-manager:projects/P/secrets/S` of Google Cloud (automation/secret-place.ts has the form).
 */
import { readFile, stat } from "node:fs/promises";
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import { createGoogleClient, type GoogleApi, googleErrorText } from "./google-client.ts";
import { readSecretsManager } from "./secrets-manager.ts";

const secretManagerApi: GoogleApi = Object.freeze({
  name: "secretmanager",
  endpoint: "https://secretmanager.googleapis.com/v1/",
  overrideVariable: "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER",
  unreachable: "credentials-missing",
});

const accessed = z.object({ payload: z.object({ data: z.string() }) });

export interface SecretSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pathOf: (path: string) => string;
  /** Of AWS, for secrets by name. Default as AWS's own tools have it. */
  readonly awsRegion?: string | undefined;
}

const kinds = ["file", "secrets-manager", "secret-manager"] as const;
type Kind = (typeof kinds)[number];

/** Errors: credentials-missing with the place, never the secret; credentials-over-http. */
export async function readSecret(reference: string, surroundings: SecretSurroundings): Promise<string> {
  const [kind, place] = splitReference(reference);
  const secret = (await textOf(kind, place, surroundings))?.trim();
  if (secret !== undefined && secret !== "") return secret;
  throw missing(
    kind === undefined ? `the environment variable ${reference} is not set` : `${reference} is empty`,
    kind === undefined ? `Set it, for example: export ${reference}=…` : undefined,
  );
}

async function textOf(kind: Kind | undefined, place: string, { env, pathOf, awsRegion }: SecretSurroundings) {
  switch (kind) {
    case "file":
      return readPrivateFile(pathOf(place), place);
    case "secrets-manager":
      return readSecretsManager(place, { env, region: awsRegion });
    case "secret-manager":
      return readManagedSecret(place, env);
    case undefined:
      return env[place];
  }
}

function splitReference(reference: string): readonly [Kind | undefined, string] {
  const kind = kinds.find((one) => reference.startsWith(`${one}:`));
  return kind === undefined ? [undefined, reference] : [kind, reference.slice(kind.length + 1)];
}

function missing(message: string, next?: string, cause?: unknown): SwitchyardError {
  return new SwitchyardError("credentials-missing", { message, ...(next === undefined ? {} : { next }), cause });
}

async function readPrivateFile(path: string, named: string): Promise<string> {
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0)
      throw missing(`others may read the file ${named}, which holds a secret`, `Run: chmod 600 ${named}`);
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof SwitchyardError) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw missing(`the file ${named}, which is to hold a secret, cannot be read (${code})`, undefined, error);
  }
}

async function readManagedSecret(place: string, env: SecretSurroundings["env"]): Promise<string> {
  const version = place.includes("/versions/") ? place : `${place}/versions/latest`;
  const reply = await createGoogleClient({ env, api: secretManagerApi }).request({
    method: "GET",
    path: `${version}:access`,
  });
  const parsed = accessed.safeParse(reply.body);
  if (reply.status !== 200 || !parsed.success)
    throw missing(
      `Secret Manager did not give ${place}: ${reply.status === 200 ? "the answer has no payload" : googleErrorText(reply)}`,
    );
  return Buffer.from(parsed.data.payload.data, "base64").toString("utf8");
}
