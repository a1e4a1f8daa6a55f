import { describe, expect, it } from "vitest";
import {
  credentialShape,
  isSecretName,
  literalSecret,
  withoutCredentials,
} from "../../../components/shared/literal-secret.ts";

// In pieces, so that nobody's scanner takes this file for a leak.
const credentials: readonly (readonly [string, string])[] = [
  ["an AWS access key", `AKIA${"A".repeat(16)}`],
  ["a GitHub token", `ghp_${"a".repeat(36)}`],
  ["a GitHub token", `github_pat_${"a".repeat(40)}`],
  ["a GitLab token", `glpat-${"a".repeat(20)}`],
  ["a private key", `-----BEGIN RSA ${"PRIVATE"} KEY-----\nabc\n-----END RSA ${"PRIVATE"} KEY-----`],
  ["a Slack token", `xoxb-${"1".repeat(12)}`],
  ["a Slack webhook", `https://hooks.slack.com/${"services"}/T000/B000/${"x".repeat(24)}`],
  ["a Google API key", `AIza${"b".repeat(35)}`],
  ["a Google access token", `ya29.${"c".repeat(40)}`],
  ["an API key", `sk-${"d".repeat(32)}`],
  ["a signed token (JWT)", `eyJ${"e".repeat(20)}.eyJ${"f".repeat(20)}.${"g".repeat(20)}`],
  ["a URL with a password", `postgres://user:${"hunter2"}@db/agent`],
];

describe("a credential is known by its form", () => {
  it.each(credentials)("%s", (what, text) => {
    expect(credentialShape(`before ${text} after`)).toBe(what);
    expect(literalSecret("HARMLESS", text)).toBe(`holds ${what}`);
    const cleaned = withoutCredentials(`before ${text} after`);
    expect(cleaned).toMatch(/^before .*\[secret\].* after$/);
    expect(cleaned).not.toContain(text.slice(-12));
  });

  it.each([
    "services/kiro",
    "kiro@sha256:0000",
    "https://prometheus.example.com/api",
    "http://127.0.0.1:8000",
    "us-central1-docker.pkg.dev/p/r/i:1.2",
    "task-risk-score",
  ])("%s is none", (text) => {
    expect(credentialShape(text)).toBeUndefined();
    expect(withoutCredentials(text)).toBe(text);
  });
});

describe("a name says that its value is a secret", () => {
  it.each([
    "PASSWORD",
    "DB_PASSWORD",
    "GITHUB_TOKEN",
    "apiKey",
    "api-key",
    "STRIPE_SECRET",
    "TLS_PRIVATE_KEY",
    "AWS_SECRET_ACCESS_KEY",
  ])("%s", (name) => {
    expect(isSecretName(name)).toBe(true);
    expect(literalSecret(name, "hunter2")).toBe("has the name of a secret, and a value in clear");
    expect(literalSecret(name, "projects/p1/secrets/s/versions/3")).toBeUndefined();
    expect(literalSecret(name, "")).toBeUndefined();
  });

  it.each(["TOKEN_FILE", "token_variable", "MAX_TOKENS", "KEYBOARD", "api_key_variable", "SECRETARY", "TOKENIZER"])(
    "%s does not",
    (name) => expect(isSecretName(name)).toBe(false),
  );
});
