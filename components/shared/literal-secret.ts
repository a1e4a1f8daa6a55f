/** Which texts are secrets: by their own form, or by the name that they stand under. A reference to a secret is none. */

/** Forms that issuers give their credentials, so that scanners find them. */
const shapes: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: "an AWS access key", pattern: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/ },
  { what: "a GitHub token", pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})/ },
  { what: "a GitLab token", pattern: /\bglpat-[\w-]{16,}/ },
  { what: "a private key", pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----/ },
  { what: "a Slack token", pattern: /\bxox[a-z]-[A-Za-z0-9-]{10,}/ },
  { what: "a Slack webhook", pattern: /\bhooks\.slack\.com\/(?:services|workflows|triggers)\/[\w/-]{8,}/ },
  { what: "a Google API key", pattern: /\bAIza[\w-]{35}/ },
  { what: "a Google access token", pattern: /\bya29\.[\w.-]{20,}/ },
  { what: "an API key", pattern: /\bsk-[\w-]{20,}/ },
  { what: "a signed token (JWT)", pattern: /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+/ },
  { what: "a URL with a password", pattern: /\b[a-z][a-z0-9+.-]*:\/\/[^/\s:@]*:[^/\s@]+@/i },
];

const secretName =
  /(?:^|_)(?:PASSWORD|PASSWD|PASSPHRASE|TOKEN|SECRET|API_?KEY|APP(?:LICATION)?_KEY|PRIVATE_KEY|ACCESS_KEY|SECRET_KEY|CREDENTIALS?)$/;

/** `apiKey`, `api-key` and `API_KEY` are one name. */
const wordsOf = (name: string): string =>
  name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replaceAll(/[-. ]/g, "_")
    .toUpperCase();

/** Whether what has this name is a secret: PASSWORD, GITHUB_TOKEN, apiKey. A name that ends otherwise is none: TOKEN_FILE. */
export function isSecretName(name: string): boolean {
  return secretName.test(wordsOf(name));
}

/** Shorter ones would be found in ordinary words. */
const shortestSecret = 6;

/** The values of those variables that have the name of a secret, which an argument, a result or an answer may repeat. */
export function secretsIn(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.entries(env).flatMap(([name, value]) =>
    isSecretName(name) && value !== undefined && value.length >= shortestSecret ? [value] : [],
  );
}

/** What the text is, for messages: `a GitHub token`; undefined where it has the form of no known credential. */
export function credentialShape(text: string): string | undefined {
  return shapes.find(({ pattern }) => pattern.test(text))?.what;
}

/** The text with `[secret]` in place of every known form of a credential. */
export function withoutCredentials(text: string): string {
  // A key's body follows its first line.
  const plain = text.replaceAll(
    /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
    "[secret]",
  );
  return shapes.reduce(
    (all, { pattern }) => all.replaceAll(new RegExp(pattern, `g${pattern.flags}`), "[secret]"),
    plain,
  );
}

/** A secret or a version of it in Secret Manager. */
const reference = /^projects\/[^/\s]+\/secrets\/[\w-]+(?:\/versions\/\w+)?$/;

/** Why this is a secret in clear, for messages that do not repeat it; undefined when it is none. */
export function literalSecret(name: string, value: string): string | undefined {
  if (value === "" || reference.test(value)) return undefined;
  const shape = credentialShape(value);
  if (shape !== undefined) return `holds ${shape}`;
  return isSecretName(name) ? "has the name of a secret, and a value in clear" : undefined;
}
