/** Secrets of AWS Secrets Manager, by name or ARN. The only importer of its client. */
import { SwitchyardError } from "../errors.ts";
import {
  type AwsPlace,
  awsEndpoint,
  awsLogin,
  awsTimeouts,
  confidentialOnly,
  confidentialStep,
  isCredentialsError,
  isNamed,
  secretsOf,
} from "./aws-client.ts";
import { errorWithoutSecrets } from "./without-secrets.ts";

const place: AwsPlace = Object.freeze({
  service: "Secrets Manager",
  setting: "AWS_ENDPOINT_URL_SECRETS_MANAGER",
  variable: "AWS_ENDPOINT_URL_SECRETS_MANAGER",
});

export interface SecretsManagerSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where it is looked for by name. Default AWS_REGION, then AWS_DEFAULT_REGION, then the profile's. An ARN says its own. */
  readonly region?: string | undefined;
}

/**
 * The current version, as text. `reference`: NAME-OR-ARN, with #KEY where the secret is a JSON object.
 * Errors: credentials-missing, which repeats no part of the secret; credentials-over-http, invalid-config.
 */
export async function readSecretsManager(reference: string, { env, region }: SecretsManagerSurroundings) {
  const at = reference.indexOf("#");
  const [id, key] = at < 0 ? [reference] : [reference.slice(0, at), reference.slice(at + 1)];
  const failed = (why: string, next?: string, cause?: unknown): SwitchyardError =>
    new SwitchyardError("credentials-missing", {
      message: `Secrets Manager did not give ${id}: ${why}`,
      ...(next === undefined ? {} : { next }),
      cause,
    });
  const text = await secretText(id, { env, region: regionOf(id) ?? region }, failed);
  return key === undefined ? text : textUnder(text, key, failed);
}

type Failed = (why: string, next?: string, cause?: unknown) => SwitchyardError;

/** arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME */
const regionOf = (id: string): string | undefined =>
  id.startsWith("arn:") ? id.split(":")[3] || undefined : undefined;

async function secretText(id: string, { env, region }: SecretsManagerSurroundings, failed: Failed): Promise<string> {
  const endpoint = env["AWS_ENDPOINT_URL_SECRETS_MANAGER"] || undefined;
  const known = region ?? (env["AWS_REGION"] || env["AWS_DEFAULT_REGION"] || undefined);
  const sdk = await import("@aws-sdk/client-secrets-manager");
  const client = new sdk.SecretsManagerClient({
    maxAttempts: 3,
    requestHandler: awsTimeouts,
    ...(known === undefined ? {} : { region: known }),
    ...awsEndpoint(endpoint, place),
  });
  client.middlewareStack.add(confidentialOnly(place), confidentialStep);
  try {
    const { SecretString, SecretBinary } = await client.send(new sdk.GetSecretValueCommand({ SecretId: id }));
    const text = SecretString ?? (SecretBinary && new TextDecoder().decode(SecretBinary));
    if (text === undefined) throw failed("the answer has no value");
    return text;
  } catch (thrown) {
    if (thrown instanceof SwitchyardError) throw thrown;
    // Where there are none, they are not looked for once more, which can take seconds.
    const apart = isNamed(thrown, "CredentialsProviderError");
    const error = errorWithoutSecrets(thrown, apart ? [] : await secretsOf(() => client.config.credentials()));
    const why = error instanceof Error ? `${error.name}: ${error.message}` : "it failed";
    throw failed(why, isCredentialsError(error) ? awsLogin : undefined, error);
  } finally {
    client.destroy();
  }
}

function textUnder(text: string, key: string, failed: Failed): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Its error would repeat the text.
    throw failed(`it is not JSON, so it has no ${key}`, "Leave #KEY out where the secret is plain text.");
  }
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  const found: unknown = entries.find(([name]) => name === key)?.[1];
  if (typeof found === "string") return found;
  throw failed(
    found === undefined ? `its JSON has no key ${key}` : `its JSON has no text under ${key}`,
    entries.length > 0 ? `Its keys: ${entries.map(([name]) => name).join(", ")}` : undefined,
  );
}
