import { inspect } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { readSecret } from "../../../automation/adapters/secret-reference.ts";
import { drawError, toSwitchyardError } from "../../../automation/cli/error-output.ts";
import { serveSecretsManager } from "../../support/secrets-manager-server.ts";

const secret = "marker7f3a9c51d2-of-this-test";
const arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:guard/gitlab-AbCdEf";

let server: Awaited<ReturnType<typeof serveSecretsManager>>;
beforeAll(async () => {
  server = await serveSecretsManager({
    plain: ` ${secret}\n`,
    "guard/gitlab": JSON.stringify({ token: secret, expires: 7, "a.b": "dotted" }),
    [arn]: JSON.stringify({ token: "by its ARN" }),
    binary: new TextEncoder().encode("from bytes"),
    broken: `{"token": "${secret}"`,
    empty: "  ",
    list: `["${secret}"]`,
  });
});
afterAll(() => server.close());
beforeEach(() => {
  vi.unstubAllEnvs();
  // Nothing of the machine's own files.
  vi.stubEnv("AWS_CONFIG_FILE", "/nonexistent");
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent");
});

const read = (reference: string, env: Readonly<Record<string, string | undefined>> = {}) =>
  readSecret(`secrets-manager:${reference}`, {
    env: { AWS_ENDPOINT_URL_SECRETS_MANAGER: server.url, AWS_REGION: "us-west-2", ...env },
    pathOf: (path) => path,
  });

/** What can be seen of a failure, in any way. */
async function seenOf(work: Promise<unknown>): Promise<string> {
  const result: unknown = await work.catch((error: unknown) => error);
  const drawn = result instanceof Error ? drawError(toSwitchyardError(result), true) : "";
  return `${drawn}\n${inspect(result, { depth: 12, maxStringLength: null })}`;
}

describe("a secret in AWS Secrets Manager", () => {
  test("is read by name, by a key of its JSON, by ARN, and from bytes", async () => {
    expect(await read("plain")).toBe(secret);
    expect(await read("guard/gitlab#token")).toBe(secret);
    expect(await read("guard/gitlab#a.b")).toBe("dotted");
    expect(await read(`${arn}#token`)).toBe("by its ARN");
    expect(await read("binary")).toBe("from bytes");
  });

  test("is asked for in the region of its ARN, else in the one that is given, else in AWS's own variable's", async () => {
    const before = server.asked.length;
    await read(`${arn}#token`);
    await readSecret("secrets-manager:plain", {
      env: { AWS_ENDPOINT_URL_SECRETS_MANAGER: server.url, AWS_REGION: "us-west-2" },
      pathOf: (path) => path,
      awsRegion: "ap-south-1",
    });
    await read("plain");
    await read("plain", { AWS_REGION: undefined, AWS_DEFAULT_REGION: "sa-east-1" });
    expect(server.asked.slice(before)).toEqual([
      { id: arn, region: "eu-central-1" },
      { id: "plain", region: "ap-south-1" },
      { id: "plain", region: "us-west-2" },
      { id: "plain", region: "sa-east-1" },
    ]);
  });

  test.each([
    ["nowhere", "Secrets Manager did not give nowhere: ResourceNotFoundException"],
    ["guard/gitlab#password", "its JSON has no key password"],
    ["guard/gitlab#expires", "its JSON has no text under expires"],
    ["guard/gitlab#toString", "its JSON has no key toString"],
    ["list#token", "its JSON has no key token"],
    ["broken#token", "it is not JSON, so it has no token"],
    ["plain#token", "it is not JSON, so it has no token"],
    ["empty", "secrets-manager:empty is empty"],
  ])("%s is refused without a part of a secret", async (reference, why) => {
    await expect(read(reference)).rejects.toMatchObject({ code: "credentials-missing" });
    const seen = await seenOf(read(reference));
    expect(seen).toContain(why);
    expect(seen).not.toContain("marker7f3a");
  });

  test("names the keys that there are, for a typing error", async () => {
    await expect(read("guard/gitlab#tokn")).rejects.toMatchObject({ next: ["Its keys: token, expires, a.b"] });
  });

  test("is not asked for over plain HTTP on another machine, wherever the address comes from", async () => {
    const refused = { code: "credentials-over-http" };
    await expect(read("plain", { AWS_ENDPOINT_URL_SECRETS_MANAGER: "http://10.0.0.1" })).rejects.toMatchObject(refused);
    vi.stubEnv("AWS_ENDPOINT_URL", "http://10.0.0.1");
    vi.stubEnv("AWS_ACCESS_KEY_ID", "id");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "key");
    await expect(read("plain", { AWS_ENDPOINT_URL_SECRETS_MANAGER: undefined })).rejects.toMatchObject(refused);
    await expect(read("plain", { AWS_ENDPOINT_URL_SECRETS_MANAGER: "nonsense" })).rejects.toMatchObject({
      code: "invalid-config",
    });
  });

  test("that is denied, with the credentials repeated, is told without them", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "id");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", `${secret}-key`);
    vi.stubEnv("AWS_SESSION_TOKEN", `${secret}-session`);
    vi.stubEnv("AWS_ENDPOINT_URL_SECRETS_MANAGER", server.url);
    for (const type of ["AccessDeniedException", "ExpiredTokenException"]) {
      server.failNext(400, type, `no ${secret}-key, ${secret}-session`);
      const seen = await seenOf(read("plain", { AWS_ENDPOINT_URL_SECRETS_MANAGER: undefined }));
      expect(seen).toContain(`${type}: no [secret], [secret]`);
      expect(seen).not.toContain(secret);
    }
  });

  test("without credentials says how to get some", async () => {
    vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
    for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"]) vi.stubEnv(name, undefined);
    const next = [expect.stringContaining("aws sso login")];
    await expect(read("plain", { AWS_ENDPOINT_URL_SECRETS_MANAGER: "" })).rejects.toMatchObject({
      code: "credentials-missing",
      next,
    });
  });
});
