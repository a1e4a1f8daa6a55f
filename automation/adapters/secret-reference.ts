/** A secret by where it is: the name of a variable, `file:PATH` that only its owner can read, or `secret-manager:projects/P/secrets/S`. */
import { readFile, stat } from "node:fs/promises";
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import { createGoogleClient, type GoogleApi, googleErrorText } from "./google-client.ts";

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
}

/** Errors: credentials-missing with the place, never the secret; credentials-over-http. */
export async function readSecret(reference: string, { env, pathOf }: SecretSurroundings): Promise<string> {
  const [kind, place = ""] = splitReference(reference);
  const text =
    kind === "file"
      ? await readPrivateFile(pathOf(place), place)
      : kind === "secret-manager"
        ? await readManagedSecret(place, env)
        : env[reference];
  const secret = text?.trim();
  if (secret !== undefined && secret !== "") return secret;
  throw missing(
    kind === undefined ? `the environment variable ${reference} is not set` : `${reference} is empty`,
    kind === undefined ? `Set it, for example: export ${reference}=…` : undefined,
  );
}

function splitReference(reference: string): readonly ["file" | "secret-manager" | undefined, string?] {
  for (const kind of ["file", "secret-manager"] as const)
    if (reference.startsWith(`${kind}:`)) return [kind, reference.slice(kind.length + 1)];
  return [undefined];
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
